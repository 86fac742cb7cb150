internal import Glibc

/// A temporary user without privileges, who exists only for one program at a time.
///
/// /etc/passwd and /etc/subuid have the user only in a mount namespace of the program's own, so that nothing of it is
/// left on the machine after any end of a test.
public struct UnprivilegedUser: Sendable {
    /// The subordinate numbers of the user.
    public enum Privileges: String, Sendable, CaseIterable {
        /// The user has numbers, and newuidmap to map them.
        case ranges
        /// The user has no numbers.
        case nothing
        /// The user has numbers, but no newuidmap.
        case noTool
    }

    /// The reason that no such user can be made here; nil if one can.
    public static let unavailableReason: String? = {
        if geteuid() != 0 { return "only root makes users for tests" }
        for name in ["newuidmap", "setpriv", "unshare"] where !Program.exists(name) {
            return "\(name) is not installed"
        }
        let files: [String] = ["/etc/subuid", "/etc/subgid"]
        for file in files where unsafe access(file, F_OK) != 0 { return "there is no \(file)" }
        return nil
    }()

    /// The user's number on this machine.
    public let number: UInt32
    /// The user's store.
    public var store: String { "\(home)/store" }
    /// The path of the program that ``start(_:shared:environment:)`` runs; the user sees its directory as `bin`.
    public var binary = Binary.path
    /// Programs of this machine that the user cannot run.
    public var hidden: [String] = []
    private let home: String
    private let privileges: Privileges
    private let directory: TestDirectory

    /// Makes a user whose home is in the bench's directory.
    public init(_ privileges: Privileges = .ranges, in directory: TestDirectory) throws {
        number = 10_000_000 + UInt32.random(in: 0..<100_000_000)
        home = "\(directory.path)/stranger"
        self.privileges = privileges
        self.directory = directory
        try Program.shell(
            """
            mkdir -p '\(home)' '\(directory.path)/bin' '\(directory.path)/shared' && chown \(number):\(number) '\(home)'
            (cat /etc/passwd && echo 'stranger:x:\(number):\(number)::\(home):/bin/sh') >'\(directory.path)/passwd'
            echo '\(privileges == .nothing ? "" : "stranger:200000000:65536")' >'\(directory.path)/subuid'
            """)
    }

    /// Starts `thaw` as this user in the bench's directory; `shared` is mounted there as `shared`.
    public func start(
        _ words: [String], shared: String = "/var/empty", environment: [String: String] = [:]
    ) throws -> Program {
        let script = """
            mount --bind '\(directory.path)/passwd' /etc/passwd
            mount --bind '\(directory.path)/subuid' /etc/subuid
            mount --bind '\(directory.path)/subuid' /etc/subgid
            mount --bind '\(binary.split(separator: "/").dropLast().reduce("") { "\($0)/\($1)" })' '\(directory.path)/bin'
            [ ! -d '\(shared)' ] || { chmod a+rx '\(shared)' && mount --bind '\(shared)' '\(directory.path)/shared'; }
            for program in \((hidden + (privileges == .noTool ? ["newuidmap"] : [])).joined(separator: " ")); do
                mount --bind /dev/null "$(command -v "$program")"
            done
            exec setpriv --reuid \(number) --regid \(number) --clear-groups "$@"
            """
        let thaw = ["\(directory.path)/bin/\(binary.split(separator: "/").last ?? "thaw")", "--store", store]
        let isolated = ["unshare", "--mount", "--propagation", "private", "sh", "-ec", script, "sh"]
        return try Program(
            isolated + thaw + words, in: directory.path,
            environment: environment.merging(["HOME": home, "USER": "stranger"]) { old, _ in old })
    }

    /// Runs `thaw` as this user.
    public func thaw(_ words: String..., shared: String = "/var/empty") throws -> ProgramResult {
        try start(words, shared: shared).wait()
    }

    /// Runs `thaw` as this user, which must succeed; returns its output without the last newline.
    @discardableResult
    public func succeed(_ words: String..., shared: String = "/var/empty") throws -> String {
        let outcome = try start(words, shared: shared).wait()
        guard outcome.status == 0 else {
            throw ProgramFailure(
                description: "thaw \(words.joined(separator: " ")) exited with \(outcome.status): \(outcome.error)")
        }
        return outcome.line
    }

    /// Returns the user's processes, except zombies and those that exit within a second.
    public func processes() throws -> [String] {
        let script = """
            for try in 1 2 3 4 5 6 7 8 9 10; do
                found=$(grep -ls '^Uid:.\(number)\\>' /proc/[0-9]*/status | xargs -r grep -Ls '^State:.Z' || true)
                [ -z "$found" ] && exit 0
                sleep 0.1
            done
            echo "$found"
            """
        return try Program.shell(script).split(separator: "\n").map(String.init)
    }
}
