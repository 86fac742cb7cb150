import Glibc
import Linux
import Sandbox
import SystemPackage
import Testing

/// Services that run while a client uses them.
@Suite struct ServiceTests {
    @Test("A listening port inside is found, and a connection through the namespace works")
    func service() async throws {
        let fixture = try Fixture()
        var command = Command(["nc", "-l", "-p", "8080", "-e", "/bin/echo", "hello"])
        command.network = .none
        let running = try await fixture.container.start(command)
        while try !running.isListening(onPort: 8080) { try await Task.sleep(for: .milliseconds(2)) }
        #expect(try !running.isListening(onPort: 8081))
        let socket = try await running.connect(toPort: 8080)
        #expect(try socket.readAll(limit: 100) == Array("hello\n".utf8))
        #expect(try await running.wait() == .exited(0))
        #expect(running.clonedAt < running.executedAt)
    }

    @Test("A port without a listener refuses connections")
    func refused() async throws {
        let fixture = try Fixture()
        var command = Command(["sleep", "1000"])
        command.network = .none
        let running = try await fixture.container.start(command)
        await #expect(throws: SystemError("connect to port 9", nil, .connectionRefused)) {
            _ = try await running.connect(toPort: 9)
        }
        running.kill()
        #expect(try await running.wait() == .signalled(SIGKILL))
        #expect(!running.signal(SIGTERM))
    }

    @Test("Releasing a running container kills it")
    func abandoned() async throws {
        let fixture = try Fixture()
        let process = try await fixture.container.start(Command(["sleep", "1000"])).processID
        while kill(process, 0) == 0 { try await Task.sleep(for: .milliseconds(2)) }
        #expect(kill(process, 0) == -1)
    }
}
