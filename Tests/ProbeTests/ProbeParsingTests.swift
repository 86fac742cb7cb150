import Probe
import Testing

@Suite("Probes")
struct ProbeParsingTests {
    static let readable: [(String, ProbeAction)] = [
        ("http:8080/healthz?full=1", .http(port: 8080, path: "/healthz?full=1")),
        ("http:80", .http(port: 80, path: "/")),
        ("tcp:65535", .tcp(port: 65_535)),
        ("exec:pg_isready -U postgres", .exec(["pg_isready", "-U", "postgres"])),
        ("exec:sh -c 'test -e \"/a b\"' x\\ y \"\"", .exec(["sh", "-c", "test -e \"/a b\"", "x y", ""])),
        ("log:listening on .*:80$", .log("listening on .*:80$")),
    ]

    @Test("A probe is parsed, and its description is parsed to the same probe", arguments: readable)
    func parses(text: String, probe: ProbeAction) throws {
        #expect(try ProbeAction(parsing: text) == probe)
        #expect(try ProbeAction(parsing: probe.description) == probe)
    }

    @Test(
        "An invalid probe is refused",
        arguments: [
            "", "http", "http:", "http:/x", "http:0/", "http:65536/", "http:+80/", "http:80/a b", "http:80/\u{E9}",
            "tcp:", "tcp:80/", "exec:", "exec:  ", "exec:'open", "exec:''", "exec:a\\", "log:", "log:(", "ftp:21",
        ])
    func refuses(text: String) {
        #expect(throws: ProbeError.self) { try ProbeAction(parsing: text) }
    }

    @Test("The error names the probe and the reason")
    func sentence() {
        #expect("\(ProbeError.malformed("tcp:x", reason: "no"))" == "probe 'tcp:x' cannot be read: no")
    }
}
