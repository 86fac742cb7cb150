import Glibc
import Linux
import Sandbox
import SystemPackage
import Testing

/// Commands with the caller's streams or terminal; serialized, since a signal handler copies the terminal's size.
@Suite(.serialized) struct InteractiveTests {
    @Test("Without a terminal the command has the caller's streams")
    func inherited() async throws {
        let fixture = try Fixture()
        try fixture.write("input", "typed\n")
        let input = try OwnedDescriptor(fixture.path.appending("input"))
        let output = try OwnedDescriptor(fixture.path.appending("output"), [.write, .create])
        let error = try OwnedDescriptor(fixture.path.appending("error"), [.write, .create])
        let status = try await fixture.container.runInteractively(
            Command(["sh", "-c", "cat; echo error >&2; exit 4"]), input: input.rawValue, output: output.rawValue,
            error: error.rawValue)
        #expect(status == .exited(4))
        #expect(try fixture.directory.contents(of: "output", limit: 100) == Array("typed\n".utf8))
        #expect(try fixture.directory.contents(of: "error", limit: 100) == Array("error\n".utf8))
    }

    @Test("With a terminal the command gets its own, with the caller's size, job control and keys")
    func terminal() async throws {
        let fixture = try Fixture()
        let terminal = try CallersTerminal(rows: 33, columns: 77)
        let output = try OwnedDescriptor(fixture.path.appending("output"), [.write, .create])
        let before = try terminal.mode()
        let script = "trap 'exit 7' INT; tty; stty size; echo ready; read x; echo got $x; sleep 1000 & wait; echo late"
        let (input, target) = (terminal.slave.rawValue, output.rawValue)
        async let status = fixture.container.runInteractively(
            Command(["sh", "-c", script]), input: input, output: target)
        try await fixture.wait(for: "ready")
        try terminal.master.write(Array("abc\r".utf8))
        try await fixture.wait(for: "got abc")
        // The interrupt key: the command's own terminal turns it into a signal.
        try terminal.master.write([3])
        #expect(try await status == .exited(7))
        let text = String(decoding: try fixture.directory.contents(of: "output", limit: 1 << 16), as: UTF8.self)
        #expect(!text.contains("late"))
        #expect(text.contains("/dev/pts/0\r\n33 77\r\nready\r\n"))
        #expect(try terminal.mode() == before)
    }

    @Test("Cancelling the task kills the command and restores the terminal")
    func cancelled() async throws {
        let fixture = try Fixture()
        let terminal = try CallersTerminal(rows: 10, columns: 10)
        let output = try OwnedDescriptor(fixture.path.appending("output"), [.write, .create])
        let before = try terminal.mode()
        let (input, target) = (terminal.slave.rawValue, output.rawValue)
        let task = Task {
            try await fixture.container.runInteractively(
                Command(["sh", "-c", "echo ready; exec sleep 1000"]), input: input, output: target)
        }
        try await fixture.wait(for: "ready")
        task.cancel()
        #expect(try await task.value == .signalled(SIGKILL))
        #expect(try terminal.mode() == before)
    }
}

extension Fixture {
    /// Waits until the file `output` contains `text`.
    fileprivate func wait(for text: String) async throws {
        while !String(decoding: try directory.contents(of: "output", limit: 1 << 16), as: UTF8.self).contains(text) {
            try await Task.sleep(for: .milliseconds(5))
        }
    }
}

/// The caller's terminal.
private final class CallersTerminal {
    let master: OwnedDescriptor
    let slave: OwnedDescriptor

    init(rows: UInt16, columns: UInt16) throws {
        var (first, second) = (Int32(-1), Int32(-1))
        var size = winsize(ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0)
        try #require(unsafe openpty(&first, &second, nil, nil, &size) == 0)
        master = OwnedDescriptor(owning: first)
        slave = OwnedDescriptor(owning: second)
    }

    func mode() throws -> [UInt32] {
        var mode = termios()
        try #require(unsafe tcgetattr(slave.rawValue, &mode) == 0)
        return [mode.c_iflag, mode.c_oflag, mode.c_cflag, mode.c_lflag]
    }
}
