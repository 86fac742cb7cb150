import Glibc
import Harness

/// The base images that `fixtures/bases.sh` makes and `make test` has made before.
enum Bases {
    /// Their layout.
    static let path: String = {
        let home = variable("XDG_CACHE_HOME") ?? (variable("HOME") ?? "/root") + "/.cache"
        return (variable("THAW_CACHE") ?? home) + "/thaw/bases"
    }()

    private static func variable(_ name: String) -> String? { unsafe getenv(name).map { unsafe String(cString: $0) } }
}

extension Outcome {
    /// Its complaint: the lines on stderr from the one that begins with `thaw: `; empty where there is none.
    var complaint: [String] {
        let lines = error.split(separator: "\n").map(String.init)
        return Array(lines.drop { !$0.hasPrefix("thaw: ") })
    }
}
