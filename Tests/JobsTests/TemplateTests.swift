import Linux
import Testing

@testable import Jobs

/// The templates of `--format`; the expected texts are Go's, as Docker prints them.
@Suite struct TemplateTests {
    private static let row: JSON = [
        "ID": "abc", "Size": 12, "Tags": ["a", "b"], "Labels": ["k": "v", "a.b": "w"], "None": .null,
        "Config": ["User": "app"],
    ]

    private static let titles = [
        "ID": "IMAGE", "Size": "SIZE", "Tags": "TAGS", "Labels": "LABELS", "None": "NONE", "Config": "CONFIG",
    ]

    private static func text(_ template: String) throws -> String {
        try Template(template).text(of: [row], titles: titles)
    }

    @Test(
        "Fields, functions and pipes give Go's text",
        arguments: [
            ("{{.ID}}", "abc"), ("{{ .ID }}-{{.Size}}", "abc-12"), ("{{.Config.User}}", "app"),
            ("{{.Labels.missing}}", "<no value>"), ("{{.Tags}}", "[a b]"), ("{{.Labels}}", "map[a.b:w k:v]"),
            ("{{json .Tags}}", #"["a","b"]"#), ("{{.Tags | json}}", #"["a","b"]"#), ("{{len .Tags}}", "2"),
            ("{{join .Tags \", \"}}", "a, b"), ("{{.Tags | join \"/\"}}", "a/b"), ("{{upper .ID}}", "ABC"),
            ("{{index .Labels \"a.b\"}}", "w"), ("{{index .Tags 1}}", "b"),
            ("{{printf \"%s:%d\" .ID .Size}}", "abc:12"),
            ("{{printf \"%5s|%-5s|%q%%\" .ID .ID .ID}}", #"  abc|abc  |"abc"%"#),
            ("{{len (index .Tags 0)}}", "1"), ("{{print \"x\" 1}}", "x 1"), ("{{`raw \\`}}", "raw \\"),
            ("{{.ID}}\\t{{.Size}}\\n", "abc\t12\n"), ("a {{- .ID -}} b", "aabcb"), ("{{/* note */}}x", "x"),
            ("{{.None}}", "<no value>"), ("{{true}}", "true"), ("plain", "plain"), ("{{\"a\\\"b\"}}", "a\"b"),
            ("{{json .Config}}", #"{"User":"app"}"#),
            ("{{range .Tags}}{{.}},{{end}}", "a,b,"), ("{{ range .Tags }}{{ . }}\\n{{ end }}", "a\nb\n"),
            ("{{range .None}}x{{end}}.", "."), ("{{range .Labels}}{{.}}{{end}}", "wv"),
        ])
    func values(template: String, text: String) throws {
        #expect(try Self.text(template) == text + "\n")
    }

    @Test("A table has titles, and its columns begin at the same place")
    func table() throws {
        let rows: [JSON] = [["ID": "abc", "Size": 1], ["ID": "<missing> and more", "Size": 22]]
        let text = try Template("table {{.ID}}\\t{{.Size}}").text(of: rows, titles: Self.titles)
        #expect(text == "IMAGE                SIZE\nabc                  1\n<missing> and more   22\n")
    }

    @Test(
        "A template that cannot be evaluated is wrong usage, in one sentence",
        arguments: [
            ("{{.Nmae}}", "there is no field .Nmae"), ("{{.ID", "'{{' has no '}}'"), ("{{}}", "an action is empty"),
            ("{{range .Tags}}x", "a range has no '{{end}}'"), ("x{{end}}", "there is no range"),
            ("{{range .ID}}x{{end}}", "range needs a list"),
            ("{{if .Tags}}x{{end}}", "'if' is not supported"), ("{{$x}}", "variables"),
            ("{{frob .ID}}", "unknown function 'frob'"), ("{{.ID .Size}}", "without a function"),
            ("{{join .ID}}", "'join' needs"), ("{{printf \"%d\" .ID}}", "whole number"), ("{{len .Size}}", "'len'"),
            ("{{printf \"%s\"}}", "fewer values"), ("{{printf \"\" 1}}", "more values"),
            ("{{index .Tags 9}}", "no element"),
            ("{{\"open}}", "a text has no end"), ("{{(.ID}}", "'(' has no ')'"), ("{{/* x", "comment"),
            (String(repeating: "{{" + String(repeating: "(", count: 500), count: 1), "nested too deeply"),
            ("{{.ID | .Size}}", "a function must follow"),
        ])
    func malformed(template: String, cause: String) {
        let failure = #expect(throws: Failure.self) { try Self.text(template) }
        #expect(failure?.status == .usage && failure?.message.contains(cause) == true, "\(failure?.message ?? "")")
    }
}
