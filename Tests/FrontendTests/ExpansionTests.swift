import Frontend
import Testing

@Suite("Expansion of words")
struct ExpansionTests {
    static let values = [
        "v": "value", "e": "", "p": "a/b/c.tar.gz", "x": "aXbXc", "n1": "one", "été": "summer", "star": "a*b", "w": "v",
    ]

    static func expand(_ text: String, escape: Character = "\\") throws(Diagnostic) -> String {
        let word = Word(text, at: Position(line: 3, column: 5))
        return try word.expanded(escape: escape.asciiValue ?? 92) { values[$0] }
    }

    @Test(
        "gives the same text as BuildKit",
        arguments: [
            ("plain", "plain"), ("$v", "value"), ("${v}", "value"), ("a$v-b", "avalue-b"), ("$unset", ""), ("$", "$"),
            ("a$ b", "a$ b"), ("$v$e$v", "valuevalue"), ("$v_", ""), ("$n1x", ""), ("$12x", "x"),
            ("$@$*$#$?$-$!$$$0", ""),
            ("${v:-d}", "value"), ("${e:-d}", "d"), ("${e-d}", ""), ("${u-d}", "d"), ("${u:-d}", "d"),
            ("${v:+d}", "d"), ("${e:+d}", ""), ("${e+d}", "d"), ("${u+d}", ""), ("${v:?no}", "value"), ("${e?no}", ""),
            ("${u:-${v}}", "value"), ("${u:-\"a b\"}", "a b"), ("${u:-'$v'}", "$v"), ("${u:-a\\}b}", "a}b"),
            ("'$v'", "$v"), ("\"$v\"", "value"), ("\"\\$v\"", "$v"), ("\\$v", "$v"), ("\"a\\b\"", "a\\b"),
            ("a\\b", "ab"),
            ("\"a\\\"b\"", "a\"b"), ("'a\"b'", "a\"b"), ("\"it's\"", "it's"), ("a\\", "a"), ("$été", "summer"),
            ("${p#*/}", "b/c.tar.gz"), ("${p##*/}", "c.tar.gz"), ("${p%.*}", "a/b/c.tar"), ("${p%%.*}", "a/b/c"),
            ("${p%/*}", "a/b"), ("${p#x}", "a/b/c.tar.gz"), ("${p#?}", "/b/c.tar.gz"), ("${star#a\\*}", "b"),
            ("${star%\\*b}", "a"), ("${x/X/-}", "a-bXc"), ("${x//X/-}", "a-b-c"), ("${x/b*/}", "aX"),
            ("${p/\\//:}", "a:b/c.tar.gz"), ("${p//\\//:}", "a:b:c.tar.gz"), ("${x//?/z}", "zzzzz"), ("${u/a/b}", ""),
            ("${x//*/z}", "z"), ("${v#}", "value"), ("${v%%*}", ""),
        ])
    func expands(text: String, expected: String) throws { #expect(try Self.expand(text) == expected) }

    @Test(
        "supports a backtick as the escape character",
        arguments: [("`$v", "$v"), ("a\\b", "a\\b"), ("\"`\"\"", "\""), ("c:\\$v", "c:\\value")])
    func backtick(text: String, expected: String) throws { #expect(try Self.expand(text, escape: "`") == expected) }

    @Test(
        "refuses the same words as BuildKit, with its messages",
        arguments: [
            ("${}", "syntax error: bad substitution"), ("${:x}", "syntax error: bad substitution"),
            ("${{v}", "syntax error: bad substitution"), ("${", "syntax error: missing '}'"),
            ("${v", "syntax error: missing '}'"), ("${v:-", "syntax error: missing '}'"),
            ("${v:-x", "syntax error: missing '}'"), ("${!v}", "unsupported modifier (v) in substitution"),
            ("${v:x}", "unsupported modifier (:x) in substitution"),
            ("${v:#a}", "unsupported modifier (:#) in substitution"),
            ("${v=x}", "unsupported modifier (=) in substitution"), ("${v/a}", "syntax error: missing '/' in ${}"),
            ("${v/a/b", "syntax error: missing '}'"), ("${u?}", "u: is not allowed to be unset"),
            ("${e:?}", "e: is not allowed to be empty"), ("${u:?must be given}", "u: must be given"),
            ("\"a", "unexpected end of statement while looking for matching double-quote"),
            ("'a", "unexpected end of statement while looking for matching single-quote"),
            ("${v#\\x}", "invalid pattern (\\x) in substitution: invalid escape '\\x'"),
        ])
    func refuses(text: String, message: String) throws {
        let error = #expect(throws: Diagnostic.self) { try Self.expand(text) }
        #expect(error?.message.hasSuffix(": " + message) == true, "\(error?.message ?? "")")
        #expect(error?.message.hasPrefix("failed to process ") == true)
        #expect(error?.position == Position(line: 3, column: 5))
    }

    @Test("splits at blanks from a variable, not at quoted ones")
    func splits() throws {
        let word = Word("$l \"$l\" a\\ b", at: Position(line: 1, column: 1))
        let words = try word.expandedWords(escape: 92) { $0 == "l" ? "80 81" : nil }
        #expect(words == ["80", "81", "80 81", "a b"])
    }
}
