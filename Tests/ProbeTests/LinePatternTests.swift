import Support
import Testing

@testable import Probe

@Suite("Patterns in lines")
struct LinePatternTests {
    private func isFound(_ pattern: String, in text: String) throws -> Bool {
        var matcher = LineMatcher(try LinePattern(pattern))
        return matcher.matches(Array(text.utf8))
    }

    static let findings: [(pattern: String, text: String, isFound: Bool)] = [
        ("ready", "is ready now", true), ("ready", "read\ny", false), ("^ready$", "not\nready\nyet", true),
        ("^ready$", "not ready", false), ("ready$", "ready\r\n", true), ("^$", "\n\r\n", false), ("x*", "a", true),
        ("listening on .*:80$", "[::] listening on 0.0.0.0:80", true), ("a|b|", "", false),
        ("on (8|9)0+", "on 9000", true),
        ("[0-9]{2,3}x", "1x", false), ("[0-9]{2,3}x", "12x", true), ("^[0-9]{2,3}x", "1234x", false),
        ("^a{2}$", "aa", true), ("^a{2}$", "aaa", false), ("^a{2,}$", "aaaa", true), ("a{", "a{", true),
        ("^(ab?c*)+?$", "abccacab", true), ("^(?:a|b)*c$", "abbac", true), ("(?<port>\\d+)", "port 80", true),
        ("\\bup\\b", "it is up.", true), ("\\bup\\b", "setup", false), ("\\Bup", "setup", true),
        ("^\\w+\\s\\S+$", "so it", true), ("\\.\\*\\[", "a.*[", true), ("[^a-c]", "abc", false), ("[]a]", "]", true),
        ("[\\d_-]{3}", "4-_", true), ("\\x41\\x{42}\\u0043", "ABC", true), ("(?i)REAdy", "Ready", true),
        ("(?i)[a-f]{2}", "AF", true), ("^.{3}$", "äöü", true), ("[ä-ü]", "ö", true), ("(?i)äÖ", "Äö", true),
        ("^((a*)*)*$", "aaaa", true), ("(){1000}a", "a", true), ("\\AStarted in .*s\\Z", "Started in 2 s", true),
    ]

    @Test("A pattern matches exactly the lines that it describes", arguments: findings)
    func finds(pattern: String, text: String, isFound: Bool) throws {
        #expect(try self.isFound(pattern, in: text) == isFound)
    }

    @Test(
        "A pattern that needs backtracking, or is invalid, is refused",
        arguments: [
            "(", ")", "a)", "[a", "[a[b]]", "*a", "a**", "a+*", "a++", "a{2}{3}*", "(?=a)", "(?<!a)", "(?>a)", "(a)\\1",
            "\\k<a>", "a\\", "\\q", "\\xZZ", "\\x{110000}", "[z-a]", "a{3,2}", "a{1001}", "(?i:a)", "a(?i)b", "(?<a",
            "((a{100}){100}){100}", String(repeating: "(", count: 60) + String(repeating: ")", count: 60),
            String(repeating: "a", count: 1001),
        ])
    func refuses(pattern: String) {
        #expect(throws: LinePattern.Refusal.self) { try LinePattern(pattern) }
        #expect(throws: ProbeError.self) { try ProbeAction(parsing: "log:" + pattern) }
    }

    @Test(
        "Matching takes linear time for any pattern and text", .timeLimit(.minutes(1)),
        arguments: [
            "(a+)+b", "(a|a)*b", "(a*)*(a*)*b", "^(([a-z])+.)+[A-Z]([a-z])+", "(a?){50}a{50}b",
            "(.*)(.*)(.*)(.*)(.*)[b]",
        ])
    func isLinear(pattern: String) throws {
        var matcher = LineMatcher(try LinePattern(pattern))
        // A backtracking matcher would practically never end here.
        for _ in 0..<64 {
            let isFound = matcher.matches([UInt8](repeating: 0x61, count: 1_000))
            #expect(!isFound)
        }
        let isFound = matcher.matches(Array("b Bb\n".utf8))
        #expect(isFound)
    }

    @Test("A line matches in any pieces, and invalid bytes do no harm")
    func pieces() throws {
        var random = SystemRandomNumberGenerator()
        let text = Array("größer als\u{1F600}\nready: 80 ü\n".utf8)
        for pattern in ["größer als.$", "^ready: \\d+ ü$", "s.$"] {
            var matcher = LineMatcher(try LinePattern(pattern))
            var isFound = false
            var rest = text[...]
            while !rest.isEmpty {
                let piece = rest.prefix(Int.random(in: 1...4, using: &random))
                isFound = matcher.matches(Array(piece)) || isFound
                rest = rest.dropFirst(piece.count)
            }
            #expect(isFound, "\(pattern)")
        }
        var matcher = LineMatcher(try LinePattern("never"))
        for _ in 0..<100 {
            let isFound = matcher.matches((0..<100).map { _ in UInt8.random(in: 0x70...0xFF) })
            #expect(!isFound)
        }
    }

    @Test("Swift's own regular expressions have the same matches")
    func peer() throws {
        var random = SplitMix(seed: 7)
        for _ in 0..<600 {
            let pattern = RandomPattern.make(&random, depth: 3)
            let regex = try Regex(pattern).wordBoundaryKind(.simple)
            let ours = try LinePattern(pattern)
            for _ in 0..<6 {
                let text = String(
                    (0..<Int.random(in: 1...7, using: &random)).map { _ in "ab_ ".randomElement(using: &random) ?? "a" }
                )
                var matcher = LineMatcher(ours)
                let isFound = matcher.matches(Array(text.utf8))
                #expect(isFound == text.contains(regex), "'\(pattern)' in '\(text)'")
            }
        }
    }
}

/// Random patterns with the same meaning in all dialects.
private enum RandomPattern {
    static func make(_ random: inout SplitMix, depth: Int) -> String {
        let alternatives = (0..<Int.random(in: 1...2, using: &random)).map { _ in
            (0..<Int.random(in: 1...3, using: &random)).map { _ in piece(&random, depth) }.joined()
        }
        return alternatives.joined(separator: "|")
    }

    private static func piece(_ random: inout SplitMix, _ depth: Int) -> String {
        if Int.random(in: 0..<8, using: &random) == 0 {
            return ["^", "$", "\\b", "\\B"].randomElement(using: &random) ?? ""
        }
        let atoms = ["a", "b", ".", "[ab]", "[^a]", "\\w", "\\s", "_"]
        let isGroup = depth > 0 && Int.random(in: 0..<4, using: &random) == 0
        let atom = isGroup ? "(" + make(&random, depth: depth - 1) + ")" : atoms.randomElement(using: &random) ?? "a"
        let often = ["", "", "", "*", "+", "?", "{2}", "{1,2}", "*?"]
        return atom + (often.randomElement(using: &random) ?? "")
    }
}
