import Frontend
import Testing

@Suite("Path patterns")
struct PathTests {
    @Test(
        "match as Go's path.Match does",
        arguments: [
            ("abc", "abc", true), ("*", "abc", true), ("*c", "abc", true), ("a*", "a", true), ("a*", "ab/c", false),
            ("a*/b", "abc/b", true), ("a*/b", "a/c/b", false), ("a*b*c*d*e*/f", "axbxcxdxe/f", true),
            ("a*b?c*x", "abxbbxdbxebxczzx", true), ("a*b?c*x", "abxbbxdbxebxczzy", false), ("ab[c]", "abc", true),
            ("ab[b-d]", "abc", true), ("ab[e-g]", "abc", false), ("ab[^c]", "abc", false), ("ab[^e-g]", "abc", true),
            ("a\\*b", "a*b", true), ("a\\*b", "ab", false), ("a?b", "a☺b", true), ("a[^a]b", "a☺b", true),
            ("a???b", "a☺b", false), ("[a-ζ]*", "α", true), ("a?b", "a/b", false), ("[\\]a]", "]", true),
            ("*x", "xxx", true), ("", "", true), ("", "a", false),
        ])
    func goMatch(pattern: String, path: String, expected: Bool) throws {
        #expect(try #require(PathPattern(pattern.utf8)).matches(path.utf8) == expected)
    }

    @Test("are refused if Go refuses them", arguments: ["[", "[]a]", "[-]", "[x-]", "a[", "[^", "a\\", "[a-b-c]"])
    func bad(pattern: String) { #expect(PathPattern(pattern.utf8) == nil) }

    @Test(
        "have wildcards unless they are escaped",
        arguments: [("a*", true), ("a\\*", false), ("[a", true), ("a?", true), ("a/b.c", false), ("a\\\\*", true)])
    func wildcards(pattern: String, expected: Bool) { #expect(PathPattern.hasWildcards(pattern.utf8) == expected) }

    @Test(
        "Paths are cleaned",
        arguments: [
            ("a//b/./c/", "a/b/c"), ("/../a", "/a"), ("a/../..", ".."), ("", "."), ("/", "/"), ("./a", "a"),
            ("a/..", "."),
        ])
    func cleans(path: String, expected: String) { #expect(PathText.clean(path) == expected) }
}

@Suite("Ignore files")
struct IgnoreTests {
    @Test(
        "exclude the same paths as BuildKit",
        arguments: [
            ("a", "a", true), ("a", "a/b/c", true), ("a", "b/a", false), ("/a", "a", true), ("a/", "a/b", true),
            ("./a/../b", "b", true), ("*.log", "x.log", true), ("*.log", "d/x.log", false), ("*/x", "d/x", true),
            ("*/x", "d/e/x", false), ("**/x", "x", true), ("**/x", "d/e/x", true), ("**/x", "d/e/x/y", true),
            ("**/x", "d/yx", false), ("**/*.go", "a/b/c.go", true), ("**/*.go", "c.go", true), ("a/**", "a/b", true),
            ("a/**", "a", false), ("a/**/b", "a/b", true), ("a/**/b", "a/x/y/b", true), ("a/**/b", "a/xb", false),
            ("**", "anything/at/all", true), ("d?r", "dir/x", true), ("d[a-k]r", "dir", true), ("d[^i]r", "dir", false),
            ("# a", "a", false), (" # a", "# a", true), ("a\\ b", "a b", true), ("a\n!a/b", "a/b", false),
            ("a\n!a/b", "a/c", true), ("!a\na", "a", true), ("*\n!*.md\nREADME*", "x.md", false),
            ("*\n!*.md\nREADME*", "README.md", true), ("! a", "a", false), ("\u{FEFF}a", "a", true),
            ("\r\na\r\n", "a", true),
            ("é*", "éa", true), ("a.b", "aXb", false), ("a+(b)$", "a+(b)$", true), ("", "a", false), (".", "a", false),
        ])
    func excludes(rules: String, path: String, expected: Bool) throws {
        #expect(try IgnoreRules(parsing: Array(rules.utf8)).excludes(path) == expected)
    }

    @Test("are refused for syntax errors and a lone !", arguments: ["a\n[", "a\n!", "a\n!  ", "a\nb\\"])
    func refuses(rules: String) {
        let error = #expect(throws: Diagnostic.self) { try IgnoreRules(parsing: Array(rules.utf8)) }
        #expect(error?.position.line == 2)
    }

    @Test(
        "walk an excluded directory only if a negation may include a path in it",
        arguments: [
            ("node_modules", "node_modules", false), ("*\n!src", "node_modules", false), ("*\n!src/a", "src", true),
            ("*\n!src/a", "src/b", false), ("*\n!**/x", "node_modules", true), ("*\n!*/x", "any", true),
            ("*\n!*/x", "any/deeper", false), ("*\n!src/*/x", "src/a", true), ("*\n!a[b/]c/d", "ab", true),
        ])
    func prunes(rules: String, directory: String, expected: Bool) throws {
        #expect(try IgnoreRules(parsing: Array(rules.utf8)).mayContainIncluded(directory) == expected)
    }

    @Test("name the line that decides")
    func decides() throws {
        let rules = try IgnoreRules(parsing: Array("# c\n*\n\n!a\n".utf8))
        #expect(rules.decidingRule(for: "a".utf8)?.line == 4)
        #expect(rules.decidingRule(for: "b".utf8)?.line == 2)
        #expect(rules.hasNegations)
    }

    @Test("serve --exclude with its own negations")
    func excludeFlags() throws {
        let words = ["*.txt", "!keep.txt", "sub/*"].map { Word($0, at: Position(line: 1, column: 1)) }
        let rules = try IgnoreRules(excluding: words)
        #expect(["a.txt", "keep.txt", "sub/a", "b"].map { rules.excludes($0) } == [true, false, true, false])
    }

    @Test("A pattern of many stars is matched in few steps")
    func manyStars() throws {
        let pattern = String(repeating: "**/a", count: 200) + "/**/b"
        let path = String(repeating: "a/", count: 500) + "c"
        #expect(try IgnoreRules(parsing: Array(pattern.utf8)).excludes(path) == false)
        #expect(
            try #require(PathPattern(String(repeating: "a*", count: 200).utf8)).matches(
                String(repeating: "a", count: 5_000).utf8))
    }
}
