import Glibc
import Linux
import Sandbox
import SystemPackage
import Testing

/// What is left when the process that runs a container is killed.
@Suite struct KilledParentTests {
    @Test(
        "Killing the parent leaves no process and no mount", arguments: [SIGKILL, SIGTERM, SIGINT],
        [nil, Account(uid: 100, gid: 101)])
    func killed(signal: Int32, account: Account?) async throws {
        let fixture = try Fixture()
        let mark = "\(UInt32.random(in: 1_000_000 ... .max))"
        let host = try spawn(fixture, ["sh", "-c", "sleep \(mark) & (sleep \(mark) &) ; exec sleep \(mark)"])
        while try Self.processes(sleeping: mark) < 3 { try await Task.sleep(for: .milliseconds(5)) }
        kill(host, signal)
        var status: Int32 = 0
        unsafe waitpid(host, &status, 0)
        while try Self.processes(sleeping: mark) > 0 { try await Task.sleep(for: .milliseconds(5)) }
        let table = try OwnedDescriptor("/proc/self/mountinfo").readAll(limit: 1 << 20)
        #expect(!String(decoding: table, as: UTF8.self).contains(fixture.path.string))
        #expect(try await fixture.container.run(Command(["true"])).isSuccess)
    }

    /// Starts the process that will be killed.
    private func spawn(_ fixture: Fixture, _ command: [String]) throws -> pid_t {
        var process = pid_t()
        let program = try FilePath(bytes: Directory("/proc/self").target(ofLink: "exe"))
            .removingLastComponent().appending("SandboxHost").string
        let words = [program, fixture.path.string, "1"] + command
        let arguments = unsafe words.map { unsafe strdup($0) } + [nil]
        defer { for index in unsafe arguments.indices { unsafe free(arguments[index]) } }
        try #require(unsafe posix_spawn(&process, program, nil, nil, arguments, environ) == 0)
        return process
    }

    private static func processes(sleeping mark: String) throws -> Int {
        try Directory("/proc").entries().map { String(decoding: $0.name, as: UTF8.self) }.filter { name in
            guard Int(name) != nil, let file = try? OwnedDescriptor(FilePath("/proc/\(name)/cmdline")) else { return false }
            return (try? file.readAll(limit: 1 << 20)) == Array("sleep\0\(mark)\0".utf8)
        }.count
    }
}
