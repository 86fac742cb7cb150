import Probe
import Testing

@Suite("Probes")
struct ProbeParsingTests {
    static let readable: [(String, ProbeAction)] = [
        ("http:8080/healthz?full=1", .http(port: 8080, path: "/healthz?full=1")),
        ("http:80", .http(port: 80, path: "/")),
        ("http://app.test/x", .http(request(80, "/x") { $0.host = Array("app.test".utf8) })),
        ("http://localhost:8080", .http(request(8080, "/") { $0.host = Array("localhost:8080".utf8) })),
        (
            "http:80/a method=POST header='A: b c' header=D:e body='{\"x\": 1}' status=200,301-308 contains=\"it's\"",
            .http(
                request(80, "/a") {
                    $0.method = Array("POST".utf8)
                    $0.headers = [Array("A: b c".utf8), Array("D:e".utf8)]
                    $0.body = Array("{\"x\": 1}".utf8)
                    $0.statuses = [.init(200, 200), .init(301, 308)]
                    $0.wanted = Array("it's".utf8)
                })
        ), ("tcp:65535", .tcp(port: 65_535)),
        ("exec:pg_isready -U postgres", .exec(["pg_isready", "-U", "postgres"])),
        ("exec:sh -c 'test -e \"/a b\"' x\\ y \"\"", .exec(["sh", "-c", "test -e \"/a b\"", "x y", ""])),
        ("log:listening on .*:80$", .log("listening on .*:80$")),
    ]

    private static func request(_ port: UInt16, _ path: String, _ edit: (inout HTTPProbe) -> Void) -> HTTPProbe {
        var probe = HTTPProbe(port: port, path: Array(path.utf8))
        edit(&probe)
        return probe
    }

    @Test("The request has the probe's own fields, those of the user, and the body")
    func request() {
        let probe = Self.request(80, "/a") {
            $0.method = Array("PUT".utf8)
            $0.headers = [Array("accept: text/html".utf8), Array("X: 1".utf8)]
            $0.body = Array("hello".utf8)
        }
        #expect(
            String(decoding: probe.request, as: UTF8.self)
                == "PUT /a HTTP/1.1\r\nHost: 127.0.0.1:80\r\nUser-Agent: thaw\r\nConnection: close\r\n"
                + "Content-Length: 5\r\naccept: text/html\r\nX: 1\r\n\r\nhello")
    }

    @Test("A probe without statuses accepts 200 to 399, one with statuses only those")
    func statuses() {
        let plain = HTTPProbe(port: 80, path: [])
        #expect([199, 200, 399, 400].map { plain.accepts($0) } == [false, true, true, false])
        let own = Self.request(80, "/") { $0.statuses = [.init(404, 404), .init(500, 503)] }
        #expect([200, 404, 500, 503, 504].map { own.accepts($0) } == [false, true, true, true, false])
    }

    @Test("A probe is parsed, and its description is parsed to the same probe", arguments: readable)
    func parses(text: String, probe: ProbeAction) throws {
        #expect(try ProbeAction(parsing: text) == probe)
        #expect(try ProbeAction(parsing: probe.description) == probe)
    }

    @Test(
        "An invalid probe is refused",
        arguments: [
            "", "http", "http:", "http:/x", "http:0/", "http:65536/", "http:+80/", "http:80/a b", "http:80/\u{E9}",
            "http://", "http://user@host/", "https://localhost/", "http:80/ method=get", "http:80/ header=x",
            "http:80/ status=99", "http:80/ status=300-200", "http:80/ status=", "http:80/ other=1",
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
