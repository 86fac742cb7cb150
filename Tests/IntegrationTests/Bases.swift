import Glibc
import Harness

/// The base images of `fixtures/bases.sh`, which `make test` makes before the tests.
enum Bases {
    /// The path of their layout.
    static let path: String = {
        let home = variable("XDG_CACHE_HOME") ?? (variable("HOME") ?? "/root") + "/.cache"
        return (variable("THAW_CACHE") ?? home) + "/thaw/bases"
    }()

    private static func variable(_ name: String) -> String? { unsafe getenv(name).map { unsafe String(cString: $0) } }
}

extension ProgramResult {
    /// The error message: the lines on stderr from the one that begins with `thaw: `; empty if there is none.
    var stderrLines: [String] {
        let lines = error.split(separator: "\n").map(String.init)
        return Array(lines.drop { !$0.hasPrefix("thaw: ") })
    }
}
