import Glibc
import Linux
import Sandbox
import Synchronization
import SystemPackage

/// A root file system with only busybox, in a directory that is removed with the fixture.
final class Fixture: Sendable {
    let path: FilePath
    let directory: Directory
    let overlay: Overlay

    var container: Container { Container(overlay) }

    init() throws {
        let path = FilePath("/tmp/thaw-sandbox-tests.\(getpid()).\(UInt32.random(in: 0 ... .max))")
        self.path = path
        directory = try Directory.make(path)
        for name in ["lower/bin", "lower/etc", "upper", "work"] { try directory.makeDirectories(FilePath(name)) }
        overlay = Overlay(
            lowers: [path.appending("lower")], upper: path.appending("upper"), work: path.appending("work"))
        try copyBusybox()
        try write("lower/etc/passwd", "root:x:0:0::/root:/bin/sh\napp:x:100:101::/srv:/bin/sh\n")
        try write("lower/etc/group", "root:x:0:\nextra:x:200:root,app\n")
    }

    deinit {
        try? Directory("/tmp").removeTree(FilePath(path.components.last?.string ?? "nothing"))
    }

    private func copyBusybox() throws {
        struct NoBusybox: Error, CustomStringConvertible {
            let description = "these tests need /bin/busybox: make deps installs Debian's busybox-static"
        }
        guard let source = try? OwnedDescriptor("/bin/busybox") else { throw NoBusybox() }
        try directory.open("lower/bin/busybox", [.write, .create], mode: 0o755).write(
            try source.readAll(limit: 1 << 24))
        let applets = [
            "sh", "true", "cat", "echo", "id", "ps", "sleep", "mount", "umount", "hostname", "dd", "kill", "ls", "rm",
            "touch", "mkdir", "printf", "env", "pwd", "ip", "nc", "stat", "head", "grep", "chmod", "ulimit", "mknod",
            "wc", "cut",
        ]
        for name in applets { try directory.makeLink(FilePath("lower/bin/\(name)"), to: "busybox") }
    }

    func write(_ name: FilePath, _ text: String) throws {
        try directory.open(name, [.write, .create, .truncate]).write(Array(text.utf8))
    }

    /// Makes a root in which the host's programs run too.
    static func withHostPrograms() throws -> Fixture {
        let fixture = try Fixture()
        for name in ["lib", "lib64"] {
            try fixture.directory.makeLink(FilePath("lower/\(name)"), to: FilePath("usr/\(name)"))
        }
        try fixture.directory.makeDirectory("lower/tmp", mode: 0o777)
        try fixture.directory.setMode(of: "lower/tmp", 0o1777)
        return fixture
    }

    /// Runs a command with the host's /usr, changed by `edit`.
    func run(_ words: [String], _ edit: (inout Command) throws -> Void = { _ in }) async throws -> (
        status: ExitStatus, output: String, error: String
    ) {
        var command = Command(words, environment: ["PATH=/usr/sbin:/usr/bin:/bin"])
        for path: FilePath in ["/usr", "/etc/alternatives"] {
            command.attachments.append(Attachment(.host(path), at: path, isReadOnly: true))
        }
        try edit(&command)
        return try await result(of: command)
    }

    private func result(of command: Command) async throws -> (status: ExitStatus, output: String, error: String) {
        let captured = Captured()
        let status = try await container.run(command) { captured.add($0, $1) }
        return (status, captured.text(.output), captured.text(.error))
    }

    /// Runs `sh -c script`, changed by `edit`.
    func shell(_ script: String, _ edit: (inout Command) throws -> Void = { _ in }) async throws -> (
        status: ExitStatus, output: String, error: String
    ) {
        var command = Command(["/bin/sh", "-c", script])
        try edit(&command)
        return try await result(of: command)
    }
}

/// The captured output of a command.
final class Captured: Sendable {
    private let bytes = Mutex<[OutputStream: [UInt8]]>([:])

    func add(_ stream: OutputStream, _ span: RawSpan) {
        let chunk = unsafe span.withUnsafeBytes { unsafe Array($0) }
        bytes.withLock { $0[stream, default: []] += chunk }
    }

    func all(_ stream: OutputStream) -> [UInt8] {
        bytes.withLock { $0[stream] ?? [] }
    }

    func text(_ stream: OutputStream) -> String {
        String(decoding: all(stream), as: UTF8.self)
    }
}
