import Harness

/// The account of this machine under which `thaw` runs.
enum Caller: String, Sendable, CaseIterable {
    case root
    case user

    /// The reason for which it can't be used here; nil for none.
    var unavailableReason: String? { self == .user ? UnprivilegedUser.unavailableReason : nil }
}

/// `thaw` as run by a caller, with a store of that caller, in a bench's directory.
struct Installation: Sendable {
    let directory: TestDirectory
    let user: UnprivilegedUser?
    private let binary: String
    private let hidden: [String]

    /// `binary` is the program; `hidden` are programs of the machine that it must not find.
    init(_ caller: Caller, in directory: TestDirectory, binary: String = Binary.path, hidden: [String] = []) throws {
        self.directory = directory
        (self.binary, self.hidden) = (binary, hidden)
        guard caller == .user else {
            user = nil
            return
        }
        var user = try UnprivilegedUser(in: directory)
        user.binary = binary
        user.hidden = hidden
        self.user = user
    }

    /// Returns a path that the caller can write to.
    func scratch(_ name: String) -> String { "\(user?.store ?? directory.store).\(name)" }

    /// Starts `thaw`; the process is `thaw` itself, so that signals reach it.
    func start(_ words: [String], environment: [String: String] = [:]) throws -> Program {
        if let user { return try user.start(words, environment: environment) }
        let command = [binary, "--store", directory.store] + words
        guard !hidden.isEmpty else { return try Program(command, in: directory.path, environment: environment) }
        let script = """
            for program in \(hidden.joined(separator: " ")); do
                mount --bind /dev/null "$(realpath "$(command -v "$program")")"
            done
            exec "$@"
            """
        return try Program(
            ["unshare", "--mount", "--propagation", "private", "sh", "-ec", script, "sh"] + command, in: directory.path,
            environment: environment)
    }

    /// Runs `thaw`.
    func thaw(_ words: [String], environment: [String: String] = [:]) throws -> ProgramResult {
        try start(words, environment: environment).wait()
    }

    /// Runs `thaw`, which must succeed.
    @discardableResult
    func succeed(_ words: [String], environment: [String: String] = [:]) throws -> String {
        let outcome = try thaw(words, environment: environment)
        guard outcome.status == 0 else {
            throw ProgramFailure(
                description: "thaw \(words.joined(separator: " ")) exited with \(outcome.status): \(outcome.error)")
        }
        return outcome.line
    }
}
