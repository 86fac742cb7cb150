import Linux
import Testing

/// Output in its final state on a terminal, as plain lines.
@Suite struct OutputLinesTests {
    static let outputs: [(String, [String])] = [
        ("one\ntwo\n", ["one", "two"]), ("no newline", ["no newline"]), ("", []), ("\n\n", ["", ""]),
        ("dos\r\nlines\r\n", ["dos", "lines"]), (" 10%\r 20%\r100%\n", ["100%"]), ("longer\rshort\n", ["shortr"]),
        ("longer\r\u{1b}[Kshort\n", ["short"]), ("abc\u{1b}[2Kd\n", ["   d"]), ("abc\u{8}\u{8}X\n", ["aXc"]),
        ("\u{1b}[1;31mred\u{1b}[0m\n", ["red"]), ("\u{1b}]0;title\u{7}text\n", ["text"]),
        ("\u{1b}]8;;x\u{1b}\\link\u{1b}]8;;\u{1b}\\\n", ["link"]), ("\u{1b}(Bplain\n", ["plain"]),
        ("\u{1b}[2J\u{1b}[Hhome\n", ["home"]), ("up\u{1b}[1A\u{1b}[5Bstays\n", ["upstays"]),
        ("a\u{1b}[3Cb\u{1b}[2Gc\n", ["ac  b"]), ("abc\u{1b}[2D\u{1b}[1Kz\n", [" zc"]),
        ("\u{1b}]never ends\nnext\n", ["\\u{1b}]never ends", "next"]), ("\u{1b}\n", ["\\u{1b}"]),
        ("\u{1b}[31\nnext", ["\\u{1b}[31", "next"]),
        ("bell\u{7}\u{9b}31m\u{202e}\n", ["bell\\u{7}\\u{9b}31m\\u{202e}"]),
        ("a\tb\r\u{1b}[0m\tc\n", ["a       c"]), ("e\u{301}x\r\u{65e5}\n", ["\u{65e5}x"]),
        ("x\u{1b}[999999999999Cy\u{1b}[99999Gz\r\n", ["x" + String(repeating: " ", count: 4094) + "zy"]),
    ]

    @Test("A line is shown in its last state, without colours, titles and moves", arguments: outputs)
    func lines(output: String, shown: [String]) {
        let bytes = Array(output.utf8)
        #expect(Self.lines(bytes, pieces: bytes.count + 1) == shown)
        #expect(Self.lines(bytes, pieces: 1) == shown)
        #expect(Self.lines(bytes, pieces: 3) == shown)
    }

    @Test("Output without a newline uses only the memory of the longest line")
    func endless() {
        var lines = OutputLines()
        var shown: [String] = []
        for _ in 0..<100 { shown += lines.add([UInt8](repeating: 0x61, count: 10_000)) }
        #expect(shown.count == 14)
        #expect(shown.allSatisfy { $0.utf8.count <= 74_000 })
        #expect((shown + [lines.finish() ?? ""]).joined().utf8.count == 1_000_000)
    }

    @Test("A progress bar that is redrawn many times shows its last state")
    func bar() {
        var lines = OutputLines()
        for step in 0..<20_000 { #expect(lines.add("\rstep \(step)".utf8) == []) }
        #expect(lines.add("\n".utf8) == ["step 19999"])
    }

    @Test("Random output never traps, and no control character remains", arguments: 0..<64)
    func random(seed: UInt64) {
        var state = seed &* 0x9e37_79b9_7f4a_7c15 | 1
        let alphabet: [UInt8] = [
            27, 27, 91, 93, 50, 59, 75, 68, 67, 71, 8, 9, 10, 13, 7, 92, 65, 0xc2, 0x9b, 0xff, 0x80,
        ]
        let bytes = (0..<4096).map { _ -> UInt8 in
            state ^= state << 13
            state ^= state >> 7
            state ^= state << 17
            return alphabet[Int(state % UInt64(alphabet.count))]
        }
        for line in Self.lines(bytes, pieces: 7) {
            #expect(line.unicodeScalars.allSatisfy { $0.isVisible || $0 == "\t" })
        }
    }

    private static func lines(_ bytes: [UInt8], pieces: Int) -> [String] {
        var lines = OutputLines()
        var shown: [String] = []
        for start in stride(from: 0, to: bytes.count, by: pieces) {
            shown += lines.add(bytes[start..<min(start + pieces, bytes.count)])
        }
        return shown + [lines.finish()].compactMap(\.self)
    }
}
