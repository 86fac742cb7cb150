import Project
import Testing

@Suite("The file .hadolint.yaml")
struct HadolintFileTests {
    @Test("has all settings")
    func settings() throws {
        let file = try HadolintFile(
            parsing: """
                ignored:
                  - DL3008   # pinned elsewhere
                override: { error: [DL3015], info: ["DL3059"] }
                trustedRegistries: [docker.io, '*.example.com']
                label-schema:
                  version: semver
                strict-labels: true
                disable-ignore-pragma: false
                failure-threshold: warning
                format: json
                """)
        #expect(file.ignored == ["DL3008"])
        #expect(file.severities == ["DL3015": "error", "DL3059": "info"])
        #expect(file.trustedRegistries == ["docker.io", "*.example.com"])
        #expect(file.labels == ["version": "semver"])
        #expect(file.hasStrictLabels && !file.disablesPragmas)
        #expect(file.failureThreshold == "warning")
    }

    @Test("may be empty", arguments: ["", "# only a comment\n", "ignored:\n", "---\n"])
    func empty(text: String) throws { #expect(try HadolintFile(parsing: text).ignored == []) }

    @Test(
        "is refused with the reason",
        arguments: [
            ("ignore: [DL3008]", "unknown key 'ignore'"), ("ignored: DL3008", "'ignored' must be a list of names"),
            ("override: { warn: [] }", "unknown key 'warn'"), ("failure-threshold: x", "'failure-threshold' must be"),
            ("label-schema: { a: b }", "'label-schema.a' must be"), ("strict-labels: maybe", "must be true or false"),
            ("a: [", "line"), ("- a", "not a map"), ("ignored: [*x]", "line 1"),
        ])
    func refused(text: String, reason: String) throws {
        let error = #expect(throws: HadolintFileError.self) { try HadolintFile(parsing: text) }
        #expect(error?.description.contains(reason) == true, "\(error?.description ?? "")")
    }
}
