import Glibc
import Guest
import Linux
import Probe
import SystemPackage
import Testing

@testable import ColdStart

/// A machine's socket with a fake service behind it.
private final class FakeMachine: Sendable {
    private let directory: Directory
    private let listener: OwnedDescriptor
    let path: FilePath

    /// - Parameter answer: the response to the connection's first line; `nil` refuses, as a guest does.
    init(answering answer: @escaping @Sendable (_ line: String) -> String?) throws {
        let path = FilePath("/var/tmp/thaw-host-probe.\(UInt32.random(in: 0 ... .max))")
        directory = try Directory.make(path)
        let listener = try UnixSocket.listen(in: directory, as: "socket")
        // A duplicate: the number may be reused once this object is gone.
        let number = try listener.duplicate().release()
        self.listener = listener
        self.path = path
        WorkerThread.start { FakeMachine.serve(number, answer) }
    }

    deinit {
        UnixSocket.stopListening(listener)
        try? Directory(path.removingLastComponent()).removeTree(FilePath(path.lastComponent?.string ?? ""))
    }

    var socket: FilePath { path.appending("socket") }

    private static func serve(_ number: Int32, _ answer: (String) -> String?) {
        let listener = OwnedDescriptor(owning: number)
        while let peer = UnixSocket.accept(listener) {
            guard let line = try? peer.read(64), let text = answer(String(decoding: line, as: UTF8.self)) else {
                continue
            }
            try? peer.write(Array(text.utf8))
            shutdown(peer.rawValue, Int32(SHUT_WR))
            while let rest = try? peer.read(4096), !rest.isEmpty {}
        }
    }
}

@Suite("The view from outside")
struct HostProbeTests {
    @Test(
        "A response's status is read from its first line, and anything else has none",
        arguments: [
            ("HTTP/1.1 200 OK\r\n", 200), ("HTTP/1.0 404\r\n", 404), ("HTTP/1.1 2000 OK\r\n", nil),
            ("SSH-2.0-x 200 y\r\n", nil), ("", nil), ("HTTP/1.1", nil), ("HTTP/1.1 abc", nil),
        ] as [(String, Int?)])
    func status(answer: String, status: Int?) {
        #expect(HostProbe.status(of: Array(answer.utf8)) == status)
    }

    @Test("The host makes its request through the machine's socket, and times the first byte")
    func answered() throws {
        let machine = try FakeMachine { line in
            line == "CONNECT 8080\n" ? "OK 1073741824\nHTTP/1.1 204 No Content\r\n\r\n" : nil
        }
        let start = hostClock()
        let answer = HostProbe(
            socket: machine.socket, request: HTTPProbe(port: 8080, path: Array("/".utf8)), start: start - 5_000_000
        )
        .run()
        guard case .answered(let firstByte, let request, 204) = answer else {
            Issue.record("\(answer)")
            return
        }
        #expect(request.median > 0 && firstByte.median >= request.median + 5 && firstByte.median < 10_000)
    }

    @Test(
        "A machine that refuses, sends an invalid response or hangs up gives a reason, not an error",
        arguments: [nil, "NO\n", "OK 1\n", "OK 1\nnonsense\n", String(repeating: "O", count: 100)])
    func refused(answer: String?) throws {
        let machine = try FakeMachine { _ in answer }
        let probe = HostProbe(
            socket: machine.socket, request: HTTPProbe(port: 1, path: Array("/".utf8)), start: hostClock())
        guard case .failed(let reason) = probe.run() else {
            Issue.record("there was a response")
            return
        }
        #expect(!reason.isEmpty)
    }

    @Test("Runs are combined to one view: figures if all succeeded, else the first reason")
    func view() {
        #expect(HostProbeSummary([]) == nil)
        let good = HostProbeSummary.answered(firstByte: Statistics(10), request: Statistics(2), status: 200)
        let better = HostProbeSummary.answered(firstByte: Statistics(8), request: Statistics(1), status: 204)
        guard case .answered(let firstByte, let request, let status)? = HostProbeSummary([good, better]) else {
            Issue.record("no figures")
            return
        }
        #expect(firstByte.samples == [10, 8] && request.samples == [2, 1] && status == 204)
        #expect(HostProbeSummary([good, .failed(reason: "a"), .failed(reason: "b")]) == .failed(reason: "a"))
    }

    @Test("A guest whose probe has passed runs on, and ends with its second verdict")
    func goesOn() throws {
        let listener = try DoorbellListener(Scenario(arguments: ["server"], probe: .tcp(port: 1)))
        func ring(_ message: Message) -> String { "\(listener.receive(Frame.encode(message.encode()), at: 1))" }
        #expect(ring(.mark(.started, GuestTime(nanoseconds: 1, cycles: 1))).hasPrefix("proceed"))
        #expect(ring(.failed(Message.StartFailure(stage: .proxy, errno: 97, subject: []))).hasPrefix("proceed"))
        #expect(ring(.finished(.passed)).hasPrefix("proceed"))
        #expect(listener.passed.wait() == true)
        #expect(listener.unreachableReason == "the machine could not listen for the host on port: errno 97")
        #expect(ring(.exited(.status(0))).hasPrefix("proceed"))
        #expect(ring(.finished(.ended)).hasPrefix("end"))
        let failed = try DoorbellListener(Scenario(arguments: ["server"], probe: .tcp(port: 1)))
        _ = failed.receive(Frame.encode(Message.finished(.timedOut).encode()), at: 1)
        #expect(failed.passed.wait() == false)
    }

    @Test(
        "A published port is one number or two",
        arguments: [
            ("8080:80", true), ("80", true), ("0:1", false), ("1:0", false), ("1:2:3", false), ("", false),
            ("a:1", false), ("65536:1", false), (":1", false), ("+1:1", false),
        ])
    func ports(text: String, isPort: Bool) {
        #expect((KeptMachine.ForwardedPort(text) != nil) == isPort)
    }

    @Test("A published port forwards through the machine's socket, both ways")
    func published() throws {
        let machine = try FakeMachine { $0 == "CONNECT 80\n" ? "OK 1\nhello" : nil }
        let number = UInt16.random(in: 20_000..<30_000)
        let port = try PublishedPort(try #require(KeptMachine.ForwardedPort("\(number):80")))
        #expect(throws: ColdStartError.self) {
            try PublishedPort(try #require(KeptMachine.ForwardedPort("\(number):80")))
        }
        port.serve(through: machine.socket)
        defer { port.close() }
        let text = try Tool.output(["bash", "-c", "exec 3<>/dev/tcp/127.0.0.1/\(number); cat <&3"], limit: 100)
        #expect(text == Array("hello".utf8))
    }
}

@Suite("Networks of machines")
struct MachineNetworkTests {
    private static let hasPasst = isAccessible("/usr/bin/passt", X_OK)

    @Test("passt responds for the gateway, and ends with its socket", .enabled(if: hasPasst, "passt is not installed"))
    func passt() throws {
        // Without any external interface, passt reports that and does not start.
        do throws(ColdStartError) {
            let passt = try Passt.start()
            #expect(passt.socket >= 0)
        } catch {
            #expect("\(error)".contains("External interface not usable"), "\(error)")
        }
    }

    @Test("A machine without a network has no addresses")
    func addresses() {
        #expect(MachineNetwork.none.addresses == nil)
        #expect(MachineNetwork.outbound.addresses?.prefix == 24)
    }
}
