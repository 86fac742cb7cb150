import Harness
import Support
import Testing

/// A registry with terminal control sequences in its responses.
@Suite struct TerminalTests {
    /// The status and body of every response.
    static let answers: [(status: Int, body: String)] = [
        (500, "oops \(Controls.all)"), (404, errors), (401, errors), (400, errors), (429, errors), (418, Controls.all),
        (200, "{\"schemaVersion\":2,\"mediaType\":\(LayoutMaker.quoted(Controls.all))}"), (200, Controls.all),
        (
            200,
            "{\"tags\":[\(LayoutMaker.quoted(Controls.all)),\"1\"],\"repositories\":[\(LayoutMaker.quoted(Controls.all))]}"
        ),
    ]

    private static let errors =
        "{\"errors\":[{\"code\":\(LayoutMaker.quoted(Controls.all)),\"message\":\(LayoutMaker.quoted(Controls.all))}]}"

    @Test("No response of a registry reaches the terminal raw", arguments: answers, ["plain", "tty", "json", "quiet"])
    func answer(_ answer: (status: Int, body: String), progress: String) throws {
        let server = try FakeServer { exchange in
            _ = try exchange.body()
            let headers = ["Content-Type": "application/vnd.oci.image.manifest.v1+json", "Retry-After": "0"]
            try exchange.reply(answer.status, headers, answer.body)
        }
        let directory = try TestDirectory()
        let name = "\(server.authority)/app:1"
        for words in [
            ["pull", "--progress", progress, name], ["list-tags", "\(server.authority)/app"],
            ["catalog", server.authority],
        ] {
            let outcome = try directory.start(words + ["--tls-verify=false"]).wait()
            let bytes = Array(String(decoding: outcome.bytes, as: UTF8.self).replacing("\r\u{1b}[K", with: "").utf8)
            #expect(Controls.found(in: bytes) == [], "\(words): \(outcome.error)")
        }
    }

    @Test("Errors show challenges and redirections in plain text")
    func headers() throws {
        let text = "\u{1b}[31m\u{9b}x\u{7f}"
        let server = try FakeServer { exchange in
            let isRedirected = exchange.request.path.hasPrefix("/v2/moved")
            try exchange.reply(
                isRedirected ? 307 : 401,
                ["WWW-Authenticate": "\(text) realm=\"\(text)\"", "Location": "gopher://\(text)/"], "")
        }
        let directory = try TestDirectory()
        for repository in ["app", "moved"] {
            let outcome = try directory.thaw("pull", "--tls-verify=false", "\(server.authority)/\(repository):1")
            #expect(outcome.status == 1)
            #expect(outcome.controls == [], "\(outcome.error)")
        }
    }
}
