internal import Glibc

/// A directory of one test with a store in it, on which `thaw` works; it is removed with the test.
public final class TestDirectory: Sendable {
    /// The directory.
    public let path: String
    /// The store, which the first `thaw` creates.
    public var store: String { "\(path)/store" }

    private static let prefix = "/var/tmp/thaw-integration.\(getpid())."

    /// The registration of a handler that removes shared benches when the process exits.
    private static let cleaning = atexit { _ = try? Program.shell("rm -rf '\(TestDirectory.prefix)'*") }

    /// Makes an empty bench.
    public init() throws {
        _ = Self.cleaning
        path = "\(Self.prefix)\(UInt32.random(in: 0 ... .max))"
        guard unsafe mkdir(path, 0o755) == 0 else {
            throw ProgramFailure(description: "cannot make '\(path)': error \(errno)")
        }
    }

    /// Makes a copy of another bench, so that tests can share files that are slow to make.
    public convenience init(copying other: TestDirectory) throws {
        try self.init()
        try Program.shell("cp -a '\(other.path)/.' '\(path)/'")
    }

    deinit {
        // A failure must not change the test's result; files that stay are removed when the process exits.
        _ = try? Program.shell("rm -rf '\(path)'")
    }

    /// Makes a bench whose store has `busybox`: a static shell and its applets, and an account `app` of 100:101.
    public static func withBusybox() throws -> TestDirectory {
        let directory = try TestDirectory()
        try directory.succeed("copy", "oci:\(template.get().path)/layout:busybox", "busybox")
        return directory
    }

    /// The bench with a layout of busybox, made once in a process.
    private static let template = Result {
        let directory = try TestDirectory()
        try Program.shell("mkdir busybox && cp /bin/busybox busybox/", in: directory.path)
        try directory.write(
            "busybox/Dockerfile",
            """
            FROM scratch
            COPY --chmod=755 busybox /bin/busybox
            RUN ["/bin/busybox", "--install", "-s", "/bin"]
            RUN ["/bin/sh", "-c", "mkdir -m 1777 /tmp && mkdir -p /etc /base && echo 1 >/base/one && echo 2 >/base/two"]
            RUN ["/bin/sh", "-c", "printf 'root:x:0:0::/:/bin/sh\\napp:x:100:101::/:/bin/sh\\n' >/etc/passwd"]
            RUN ["/bin/sh", "-c", "printf 'root:x:0:\\nweb:x:101:\\n' >/etc/group"]
            ENV PATH=/bin
            CMD ["sh"]
            """)
        try directory.succeed("build", "--progress", "quiet", "-t", "busybox", "busybox")
        try directory.succeed("copy", "busybox", "oci:\(directory.path)/layout:busybox")
        return directory
    }

    /// Writes a file below the directory, and makes its parents.
    public func write(_ name: String, _ text: String, mode: UInt32 = 0o644) throws {
        try write(name, Array(text.utf8), mode: mode)
    }

    /// Writes bytes to a file below the directory, and makes its parents.
    public func write(_ name: String, _ bytes: [UInt8], mode: UInt32 = 0o644) throws {
        let file = "\(path)/\(name)"
        if let slash = file.lastIndex(of: "/") { try Program.shell("mkdir -p '\(file[..<slash])'") }
        let descriptor = unsafe open(file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode)
        guard descriptor >= 0 else { throw ProgramFailure(description: "cannot write '\(file)': error \(errno)") }
        defer { close(descriptor) }
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = unsafe rest.withUnsafeBytes { unsafe Glibc.write(descriptor, $0.baseAddress, $0.count) }
            guard count > 0 else { throw ProgramFailure(description: "cannot write '\(file)': error \(errno)") }
            rest = rest.dropFirst(count)
        }
    }

    /// Returns a file's text.
    public func read(_ name: String) throws -> String { try Program.shell("cat '\(path)/\(name)'") }

    /// Runs `thaw` in the directory, on the store.
    public func thaw(_ words: String..., environment: [String: String] = [:]) throws -> ProgramResult {
        try start(words, environment: environment).wait()
    }

    /// Starts `thaw` in the directory, on the store.
    public func start(_ words: [String], environment: [String: String] = [:]) throws -> Program {
        try Program(
            [Binary.path, "--store", store] + words, in: path, environment: environment)
    }

    /// Runs `thaw`, which must succeed; returns its output without the last newline.
    @discardableResult
    public func succeed(_ words: String...) throws -> String {
        try run(words)
    }

    /// Builds a Dockerfile with the context `context`, and names the image `app`; returns the image ID.
    @discardableResult
    public func build(_ dockerfile: String, _ options: String...) throws -> String {
        try write("context/Dockerfile", dockerfile)
        return try run(["build", "--progress", "quiet", "-t", "app"] + options + ["context"])
    }

    /// Returns the JSON document that a command prints.
    public func document(_ words: String...) throws -> Document { try Document(parsing: run(words)) }

    private func run(_ words: [String]) throws -> String {
        let outcome = try start(words).wait()
        guard outcome.status == 0 else {
            throw ProgramFailure(
                description: "thaw \(words.joined(separator: " ")) exited with \(outcome.status): \(outcome.error)")
        }
        return outcome.line
    }
}

/// The program under test.
public enum Binary {
    /// `$THAW_BINARY`, or the `thaw` that was built together with the tests.
    public static let path: String = {
        if let path = unsafe getenv("THAW_BINARY") { return unsafe String(cString: path) }
        var directory = ((try? Program.shell("readlink /proc/$PPID/exe")) ?? "")[...]
        while let slash = directory.lastIndex(of: "/") {
            directory = directory[..<slash]
            if unsafe access("\(directory)/thaw", X_OK) == 0 { return "\(directory)/thaw" }
        }
        return "thaw"
    }()
}
