import Harness
import Testing

/// The cases of starts and their diagnoses, each by its id, with the container engine.
@Suite struct BootCaseTests {
    /// An image that starts a script, and the result of its start.
    struct Case: Sendable {
        let id: String
        /// The lines of the script.
        let script: String
        let options: [String]
        let status: Int32
        /// Parts of stdout for status 0, else of stderr.
        let texts: [String]
    }

    private static let http = ["--probe", "http:8080/"]
    private static let page = "mkdir -p /tmp/w; echo hello >/tmp/w/index.html"
    private static let header = "HTTP/1.1 200 OK\\r\\n"

    static let cases: [Case] = [
        Case(
            id: "slow-answer", script: "nc -ll -p 8080 -e sleep 9", options: http + ["--timeout", "4s"], status: 1,
            texts: ["port 8080 accepted after ", ", no answer within 4 s"]),
        Case(
            id: "hang-first", script: "\(page); nc -l -p 8080 -e sleep 1000 & sleep 1; exec httpd -f -p 8080 -h /tmp/w",
            options: http + ["--timeout", "9s"], status: 0, texts: ["answered 200, 6 bytes"]),
        Case(
            id: "endless",
            script: """
                printf '#!/bin/sh\\nprintf "\(header)Transfer-Encoding: chunked\\\\r\\\\n\\\\r\\\\n"\\n' >/tmp/s
                echo 'while :; do printf "5\\r\\nhello\\r\\n"; sleep 1; done' >>/tmp/s
                chmod +x /tmp/s; nc -ll -p 8080 -e /tmp/s
                """, options: http + ["--timeout", "4s"], status: 1, texts: ["status 200, body without end ("]),
        Case(
            id: "endless header",
            script: """
                printf '#!/bin/sh\\nprintf "\(header)"\\n' >/tmp/s
                echo 'while :; do printf "X-Header: 1\\r\\n"; sleep 1; done' >>/tmp/s
                chmod +x /tmp/s; nc -ll -p 8080 -e /tmp/s
                """, options: http + ["--timeout", "4s"], status: 1, texts: ["header without end"]),
        Case(
            id: "loopback", script: "\(page); exec httpd -f -p 127.0.0.1:8080 -h /tmp/w", options: http, status: 0,
            texts: ["finding: port 8080 listens on the loopback address only, so no platform reaches it"]),
        Case(
            id: "loopback, strict", script: "\(page); exec httpd -f -p 127.0.0.1:8080 -h /tmp/w",
            options: http + ["--strict"], status: 2, texts: []),
        Case(
            id: "loopback, IPv6", script: "\(page); exec httpd -f -p '[::1]:8080' -h /tmp/w",
            options: http + ["--strict"], status: 2, texts: []),
        Case(
            id: "no loopback", script: "\(page); trap 'exit 0' TERM; httpd -f -p 8080 -h /tmp/w & wait",
            options: http + ["--strict"], status: 0, texts: ["answered 200"]),
        Case(
            id: "wrong-port", script: "\(page); exec httpd -f -p 8000 -h /tmp/w", options: http + ["--timeout", "2s"],
            status: 1, texts: ["nothing listens on port 8080, but on 8000"]),
        Case(
            id: "daemonise", script: "\(page); httpd -p 8080 -h /tmp/w; exit 0", options: http, status: 1,
            texts: ["the entrypoint ended with status 0", "in the foreground"]),
        Case(
            id: "wrong status", script: "\(page); exec httpd -f -p 8080 -h /tmp/w",
            options: ["--probe", "http:8080/absent", "--timeout", "2s"], status: 1,
            texts: ["the last response had status 404: <"]),
        Case(
            id: "expected status", script: "\(page); exec httpd -f -p 8080 -h /tmp/w",
            options: ["--probe", "http://localhost:8080/absent status=404"], status: 0, texts: ["answered 404"]),
        Case(
            id: "wanted text", script: "\(page); exec httpd -f -p 8080 -h /tmp/w",
            options: ["--probe", "http:8080/ contains=hello", "--probe", "exec:test -e /tmp/w/index.html"], status: 0,
            texts: ["answered 200"]),
        Case(
            id: "other text", script: "\(page); exec httpd -f -p 8080 -h /tmp/w",
            options: ["--probe", "http:8080/ contains=goodbye", "--timeout", "2s"], status: 1,
            texts: ["the last response had status 200, and lacked the wanted text: hello"]),
        Case(
            id: "second probe", script: "\(page); exec httpd -f -p 8080 -h /tmp/w",
            options: http + ["--probe", "exec:false"], status: 1,
            texts: ["probe exec:false did not pass: exit status 1"]),
        Case(
            id: "method, header and body",
            script: """
                mkdir -p /tmp/w/cgi-bin; printf '#!/bin/sh\\nprintf "Content-Type: text/plain\\\\r\\\\n\\\\r\\\\n"\\n' >/tmp/w/cgi-bin/a
                echo 'echo "$REQUEST_METHOD $CONTENT_TYPE $(head -c $CONTENT_LENGTH)"' >>/tmp/w/cgi-bin/a
                chmod +x /tmp/w/cgi-bin/a; exec httpd -f -p 8080 -h /tmp/w
                """,
            options: [
                "--probe",
                "http:8080/cgi-bin/a method=POST header='Content-Type: text/x' body='a b' 'contains=POST text/x a b'",
            ], status: 0, texts: ["answered 200"]),
    ]

    @Test("A start has the result of its case", arguments: cases.indices)
    func starts(index: Int) throws {
        let entry = Self.cases[index]
        let directory = try TestDirectory.withBusybox()
        try directory.write("context/start", "#!/bin/sh\n\(entry.script)\n")
        try directory.build("FROM busybox\nCOPY --chmod=755 start /start\nCMD [\"/start\"]\n")
        let outcome = try directory.start(["boot", "--engine", "container"] + entry.options + ["app"]).wait()
        #expect(outcome.status == entry.status, "\(entry.id): \(outcome.error)")
        let text = entry.status == 0 ? outcome.output : outcome.error
        for part in entry.texts { #expect(text.contains(part), "\(entry.id): \(text)") }
    }

    @Test(
        "expose: the default probe is the image's HEALTHCHECK, else its port, and it is reported",
        arguments: [
            ("EXPOSE 9000/udp 8080", "probe tcp:8080, from EXPOSE"),
            (
                "EXPOSE 1\nHEALTHCHECK CMD wget -q -O /dev/null http://127.0.0.1:8080/",
                "probe exec:/bin/sh -c 'wget -q -O /dev/null http://127.0.0.1:8080/', from HEALTHCHECK"
            ),
            ("", "a probe of the image's readiness is missing: it has neither HEALTHCHECK nor EXPOSE"),
        ])
    func suggested(lines: String, text: String) throws {
        let directory = try TestDirectory.withBusybox()
        try directory.build(
            "FROM busybox\n\(lines)\nCMD mkdir /w; echo hi >/w/index.html; exec httpd -f -p 8080 -h /w\n")
        let outcome = try directory.thaw("boot", "--engine", "container", "app")
        #expect(outcome.error.contains(text), "\(outcome.error)")
        #expect(outcome.status == (lines.isEmpty ? 64 : 0))
    }

    @Test("oom: a program without end of memory is named with its limit")
    func oom() throws {
        let directory = try TestDirectory.withBusybox()
        try directory.build("FROM busybox\nCMD exec tail /dev/zero\n")
        let outcome = try directory.thaw(
            "boot", "--engine", "container", "--memory", "128MiB", "--probe", "tcp:8080", "--timeout", "20s", "app")
        let isNamed = outcome.error.contains("the program ran out of memory (128 MiB)")
        // Without a control group of its own, a container has other limits, or refuses.
        #expect(outcome.status != 0)
        #expect(isNamed || outcome.error.contains("limit") || outcome.error.contains("was killed"), "\(outcome.error)")
    }

    @Test("fingerprint: a saved start is compared with an equal one, and refused with other memory")
    func baseline() throws {
        let directory = try TestDirectory.withBusybox()
        try directory.build("FROM busybox\nEXPOSE 8080\nCMD mkdir /w; exec httpd -f -p 8080 -h /w\n")
        try directory.succeed(
            "boot", "--engine", "container", "--runs", "7", "--save-baseline", "baseline.json", "app")
        let document = try Document(parsing: try directory.read("baseline.json"))
        #expect(document["fingerprint"]["memory"] == .string("512 MiB"))
        #expect(document["fingerprint"].keys.isSuperset(of: ["engine", "cpu", "thaw", "init", "probe", "hostKernel"]))
        let same = try directory.thaw("gate", "--engine", "container", "--baseline", "baseline.json", "app")
        #expect([0, 2, 3].contains(same.status), "\(same.error)")
        #expect(same.output.contains("baseline-time"), "\(same.output)\(same.error)")
        let other = try directory.thaw(
            "gate", "--engine", "container", "--memory", "640MiB", "--runs", "1", "--baseline", "baseline.json", "app")
        #expect(other.output.contains("memory: 512 MiB before, 640 MiB now"), "\(other.output)\(other.error)")
        #expect(other.status == 3)
    }
}
