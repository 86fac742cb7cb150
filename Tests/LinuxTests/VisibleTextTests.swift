import Linux
import Testing

/// The filter between untrusted text and a terminal.
@Suite struct VisibleTextTests {
    static let texts: [(String, String)] = [
        ("plain text, ~", "plain text, ~"), ("", ""), ("two\nlines\tand a tab", "two\nlines\tand a tab"),
        ("caf\u{e9} \u{65e5}\u{672c} e\u{301}", "caf\u{e9} \u{65e5}\u{672c} e\u{301}"),
        ("\u{1f469}\u{200d}\u{1f4bb}\u{fe0f}", "\u{1f469}\u{200d}\u{1f4bb}\u{fe0f}"),
        ("\u{1b}[31mred", "\\u{1b}[31mred"), ("\u{1b}]0;x\u{7}", "\\u{1b}]0;x\\u{7}"), ("a\0b", "a\\u{0}b"),
        ("\u{7f}\u{9b}31m\u{85}", "\\u{7f}\\u{9b}31m\\u{85}"),
        ("a\u{202e}b\u{2066}c\u{2069}", "a\\u{202e}b\\u{2066}c\\u{2069}"),
        ("a\u{2028}b\u{2029}", "a\\u{2028}b\\u{2029}"), ("\u{feff}\u{200b}\u{ad}", "\\u{feff}\\u{200b}\\u{ad}"),
        ("\u{e0041}", "\\u{e0041}"), ("dos\r\n", "dos\n"), ("over\rwrite", "over\\u{d}write"), ("a\u{8}b", "a\\u{8}b"),
    ]

    @Test("Characters that control a terminal are shown by their number, others stay", arguments: texts)
    func visible(text: String, shown: String) {
        #expect(text.visible == shown)
        #expect(shown.visible == shown)
    }

    @Test("The text in one line has no newline and no tab")
    func line() {
        #expect("a\nb\tc\r\nd\re".visibleLine == "a b c d\\u{d}e")
    }

    @Test("Bytes that aren't UTF-8 become U+FFFD, C1 controls in two bytes are shown")
    func bytes() {
        #expect(
            String(decoding: [0x61, 0x9b, 0xff, 0xc2, 0x9b] as [UInt8], as: UTF8.self).visible
                == "a\u{fffd}\u{fffd}\\u{9b}")
    }

    @Test("JSON stays valid: the same scalars become JSON escapes")
    func json() {
        let document = "{\n  \"a\": \"\\u001b \u{7f}\u{9b}\u{202e}\u{e0041} \u{e9}\"\n}\n"
        let shown = "{\n  \"a\": \"\\u001b \\u007f\\u009b\\u202e\\udb40\\udc41 \u{e9}\"\n}\n"
        #expect(document.visibleJSON == shown)
    }

    @Test("No control, format or line separator character passes, except the two joiners")
    func all() {
        for value in UInt32(0)..<0x110000 {
            guard let scalar = Unicode.Scalar(value) else { continue }
            let isSteering = [.control, .format, .lineSeparator, .paragraphSeparator]
                .contains(scalar.properties.generalCategory)
            if scalar.isVisible == isSteering, value != 0x200c, value != 0x200d {
                Issue.record("U+\(String(value, radix: 16))")
            }
        }
    }
}
