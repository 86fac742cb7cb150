import Glibc
import Linux
import Sandbox
import SystemPackage
import Testing

/// Cleanup after the process that runs a container is killed.
@Suite struct KilledParentTests {
    @Test(
        "Killing the parent leaves no process and no mount", arguments: [SIGKILL, SIGTERM, SIGINT],
        [0, 100])
    func killed(signal: Int32, uid: Int) async throws {
        let fixture = try Fixture()
        let mark = "\(UInt32.random(in: 1_000_000 ... .max))"
        let host = try spawn(fixture, uid, ["sh", "-c", "sleep \(mark) & (sleep \(mark) &) ; exec sleep \(mark)"])
        while try Self.processes(sleeping: mark) < 3 { try await Task.sleep(for: .milliseconds(5)) }
        kill(host, signal)
        var status: Int32 = 0
        unsafe waitpid(host, &status, 0)
        while try Self.processes(sleeping: mark) > 0 { try await Task.sleep(for: .milliseconds(5)) }
        let table = try OwnedDescriptor("/proc/self/mountinfo").readAll(limit: 1 << 20)
        #expect(!String(decoding: table, as: UTF8.self).contains(fixture.path.string))
        #expect(try await fixture.container.run(Command(["true"])).isSuccess)
    }

    @Test("Killing the parent kills pasta")
    func killedWithNetwork() async throws {
        let fixture = try Fixture()
        let mark = "\(UInt32.random(in: 1_000_000 ... .max))"
        let words = ["/usr/bin/env", "SANDBOX_HOST_ISOLATED=1", try program(), fixture.path.string, "1", "0"]
        let host = try start(words + ["sleep", mark])
        while try Self.processes(sleeping: mark) < 1 { try await Task.sleep(for: .milliseconds(5)) }
        let carriers = try Self.carriers(of: host)
        #expect(!carriers.isEmpty)
        kill(host, SIGKILL)
        var status: Int32 = 0
        unsafe waitpid(host, &status, 0)
        for carrier in carriers { while kill(carrier, 0) == 0 { try await Task.sleep(for: .milliseconds(5)) } }
        #expect(try Self.processes(sleeping: mark) == 0)
    }

    @Test("Without privileges the error is one clear sentence")
    func unprivileged() async throws {
        let fixture = try Fixture()
        for name in ["", "upper", "work"] {
            try fixture.directory.setMode(of: FilePath(name), 0o777)
        }
        let program = try program()
        let (host, errors) = ("/tmp/SandboxHost.\(getpid())", fixture.path.appending("errors"))
        try OwnedDescriptor(FilePath(host), [.write, .create], mode: 0o755)
            .write(try OwnedDescriptor(FilePath(program)).readAll(limit: 1 << 28))
        defer { unsafe unlink(host) }
        let script =
            "exec setpriv --reuid 65534 --regid 65534 --clear-groups \(host) \(fixture.path.string) 1 0 true 2>\(errors.string)"
        var status: Int32 = 0
        unsafe waitpid(try start(["/bin/sh", "-c", script]), &status, 0)
        #expect(status != 0)
        let text = String(decoding: try fixture.directory.contents(of: "errors", limit: 1 << 16), as: UTF8.self)
        #expect(text.contains("cannot start a container: it needs root or CAP_SYS_ADMIN on this machine"))
    }

    /// Starts the process that the test kills.
    private func spawn(_ fixture: Fixture, _ uid: Int, _ command: [String]) throws -> pid_t {
        try start([try program(), fixture.path.string, "1", "\(uid)"] + command)
    }

    private func program() throws -> String {
        try FilePath(bytes: Directory("/proc/self").target(ofLink: "exe"))
            .removingLastComponent().appending("SandboxHost").string
    }

    private func start(_ words: [String]) throws -> pid_t {
        var process = pid_t()
        let arguments = unsafe words.map { unsafe strdup($0) } + [nil]
        defer { for index in unsafe arguments.indices { unsafe free(arguments[index]) } }
        try #require(unsafe posix_spawn(&process, words[0], nil, nil, arguments, environ) == 0)
        return process
    }

    /// Returns the pasta processes of `parent`.
    private static func carriers(of parent: pid_t) throws -> [pid_t] {
        let numbers = try Directory("/proc").entries().compactMap { Int32(String(decoding: $0.name, as: UTF8.self)) }
        return numbers.filter { number in
            let text = (try? OwnedDescriptor(FilePath("/proc/\(number)/stat")).readAll(limit: 1 << 12)) ?? []
            let fields = String(decoding: text, as: UTF8.self).split(separator: " ")
            return fields.count > 3 && fields[1].hasPrefix("(pas") && fields[3] == "\(parent)"
        }
    }

    private static func processes(sleeping mark: String) throws -> Int {
        try Directory("/proc").entries().map { String(decoding: $0.name, as: UTF8.self) }.filter { name in
            guard Int(name) != nil, let file = try? OwnedDescriptor(FilePath("/proc/\(name)/cmdline")) else {
                return false
            }
            return (try? file.readAll(limit: 1 << 20)) == Array("sleep\0\(mark)\0".utf8)
        }.count
    }
}
