import Jobs
import Linux
import SystemPackage
import Testing

@testable import TTY

/// The texts for a terminal, without one.
@Suite("Terminal")
struct TerminalTests {
    @Test("Live lines are cut to the terminal, and wiped as many rows as they take at its width now")
    func liveLines() {
        var lines = LiveLines()
        #expect(lines.replace(with: ["abcdef", "xy"], columns: 5) == "abcd\nxy")
        #expect(lines.replace(with: ["ab"], printing: "text\n", columns: 5) == "\r\u{1b}[K\u{1b}[A\u{1b}[Ktext\nab")
        #expect(lines.replace(with: [], columns: 5) == "\r\u{1b}[K")
        #expect(lines.replace(with: [], printing: "text\n", columns: 5) == "text\n")
        #expect(lines.replace(with: ["12345678"], columns: 9) == "12345678")
        // Narrower, the 8 columns take 3 rows.
        #expect(lines.replace(with: ["1"], columns: 3) == "\r\u{1b}[K\u{1b}[A\u{1b}[K\u{1b}[A\u{1b}[K1")
        #expect(lines.replace(with: ["äöü"], columns: 6) == "\r\u{1b}[Käö")
    }

    @Test(
        "A failure is a sentence after the program's name, and only that line begins at the margin",
        arguments: [
            (Failure("it broke"), "thaw: it broke"),
            (Failure("it broke", remedy: "mend it\nor not"), "thaw: it broke\n      mend it\n      or not"),
            // Text of an image must not pass for a line of thaw, nor control the terminal.
            (Failure("line 1\nthaw: all is well"), "thaw: line 1\n      thaw: all is well"),
            (Failure("list\n  item\n\ttab\n"), "thaw: list\n  item\n\ttab\n"),
        ])
    func failures(failure: Failure, text: String) { #expect(failure.terminalText == text) }

    @Test("Control characters of a failure are shown, not sent")
    func controls() { #expect(!Failure("red \u{1b}[31m").terminalText.contains("\u{1b}")) }

    @Test("A phase ends with a line that stays; regions are drawn in order, and only the first needs a thread")
    func phases() throws {
        let written = try output { state, descriptor in
            let needsThread = [
                state.begin("probing", writingTo: descriptor), state.set(.transfer) { ["blob \u{7}"] },
                state.set(.build) { ["step"] },
            ]
            #expect(needsThread == [true, false, false])
            state.draw(writingTo: descriptor)
            state.end(writingTo: descriptor)
        }
        #expect(written.hasPrefix("probing  0 s\nstep\nblob "))
        #expect(!written.contains("\u{7}"))
        #expect(written.hasSuffix("\u{1b}[Kprobing  0 s\n"))
    }

    @Test("A phase and a region that ended are not drawn again")
    func ended() throws {
        let written = try output { state, descriptor in
            _ = state.set(.build) { ["step"] }
            _ = state.set(.build, nil)
            state.draw(writingTo: descriptor)
            state.end(writingTo: descriptor)
        }
        #expect(written.isEmpty)
    }

    /// Returns everything that a state writes to a pipe, which is no terminal of a known width.
    private func output(_ change: (inout LiveState, Int32) -> Void) throws -> String {
        let pipe = try FileDescriptor.pipe()
        var state = LiveState()
        change(&state, pipe.writeEnd.rawValue)
        try pipe.writeEnd.close()
        let bytes = try OwnedDescriptor(owning: pipe.readEnd.rawValue).readAll(limit: 1 << 16)
        return String(decoding: bytes, as: UTF8.self)
    }
}
