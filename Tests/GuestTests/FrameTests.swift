import Probe
import Testing

@testable import Guest

@Suite("Frames")
struct FrameTests {
    private let payloads: [[UInt8]] = [
        [1, 2, 3], [], [0xF5, 0x54, 0xF5], [UInt8](repeating: 0xF5, count: Frame.limit),
    ]

    @Test("Frames survive a stream that is cut anywhere", arguments: [1, 2, 3, 7, 8, 9, 4_096])
    func splitAnywhere(length: Int) {
        let stream = payloads.flatMap { Frame.encode($0) }
        var reader = FrameReader()
        var received: [[UInt8]] = []
        for start in stride(from: 0, to: stream.count, by: length) {
            received += reader.receive(Array(stream[start..<min(start + length, stream.count)]))
        }
        #expect(received == payloads)
    }

    @Test("Kernel text around frames is dropped")
    func textAround() {
        let noise = Array("[    1.2] Kernel panic - not syncing: été \u{1F980}\r\n".utf8)
        var reader = FrameReader()
        #expect(reader.receive(noise + Frame.encode([7]) + noise + Frame.encode([8])) == [[7], [8]])
    }

    @Test("A damaged byte loses its own frame and no other", arguments: 0..<12)
    func damage(index: Int) {
        var damaged = Frame.encode([1, 2, 3, 4])
        damaged[index] ^= 0x01
        var reader = FrameReader()
        // A larger length may swallow the next bytes until enough have arrived, so enough of them follow.
        let rest = [UInt8](repeating: 0x20, count: 512)
        #expect(reader.receive(damaged + Frame.encode([5]) + rest).contains([5]))
    }

    @Test("A frame inside a broken frame is found")
    func nested() {
        let inner = Frame.encode([9, 9])
        var reader = FrameReader()
        #expect(reader.receive([0xF5, 0x54, 10, 0, 1, 2, 3, 4] + inner + [0, 0]) == [[9, 9]])
    }

    @Test("Noise gives no valid frame and needs no memory")
    func noise() {
        var generator = SystemRandomNumberGenerator()
        var reader = FrameReader()
        for _ in 0..<200 {
            let piece = (0..<1_000).map { _ in UInt8.random(in: 0...255, using: &generator) & 0xF7 | 0x50 }
            #expect(reader.receive(piece).allSatisfy { $0.count <= Frame.limit })
        }
    }
}

@Suite("Messages")
struct MessageTests {
    static let messages: [Message] = [
        .mark(.started, GuestTime(nanoseconds: 1, cycles: .max)),
        .mark(.firstByte, GuestTime(nanoseconds: .max, cycles: 0)),
        .output(.output, GuestTime(nanoseconds: 5, cycles: 6), Array("hello\n".utf8)),
        .output(.error, GuestTime(nanoseconds: 0, cycles: 0), []),
        .attempt(.refused), .attempt(.broken), .attempt(.connected),
        .attempt(.http(status: 503, byteCount: .max)),
        .attempt(.ended(.status(255))), .attempt(.ended(.signal(9))), .attempt(.matched),
        .attempt(.lacksText(status: 200)), .attempt(.silent), .attempt(.unfinishedHead),
        .attempt(.unfinishedBody(status: 200, byteCount: .max)), .excerpt([]), .excerpt(Array("no".utf8)),
        .listeners([]), .listeners([.init(port: 80, isLoopback: true), .init(port: .max, isLoopback: false)]),
        .peakMemory(1 << 40), .exited(.status(0)), .exited(.signal(11)),
        .failed(Message.StartFailure(stage: .module, errno: 2, subject: Array("/modules/erofs.ko".utf8))),
        .finished(.passed), .finished(.timedOut), .mark(.reachable, GuestTime(nanoseconds: 7, cycles: 8)),
        .failed(Message.StartFailure(stage: .proxy, errno: 97, subject: Array("8080".utf8))),
        .failed(Message.StartFailure(stage: .network, errno: 0, subject: Array("eth0".utf8))),
        .probeEvent(.chunk(probe: 3, .stderr, [1, 2])),
        .probeEvent(.total(probe: .max, .body, byteCount: .max, digest: [UInt8](repeating: 7, count: 32))),
        .probeEvent(.finished(probe: 0, .http(status: 500, byteCount: 1))),
        .probeEvent(.finished(probe: 1, .ended(.signal(11)))),
        .probeEvent(.finished(probe: 2, .timedOut)), .probeEvent(.finished(probe: 2, .notStarted(2))),
        .probeEvent(.listening([80, .max])), .probeEvent(.listening([])),
        .probeEvent(.openedFile(Array("/etc/passwd".utf8))), .probeEvent(.openedFilesIncomplete),
        .probeEvent(.processes([])), .probeEvent(.processes([Array("sh".utf8), Array("sleep".utf8)])),
        .probeEvent(.observationFailed(38)), .termination(.unhandled), .termination(.ended(milliseconds: 12)),
        .termination(.running(milliseconds: .max)),
        .opened(
            Message.FileOpen(
                thread: 7, time: GuestTime(nanoseconds: 1, cycles: 2), processorTime: .max, path: Array("/a".utf8))),
        .thread(
            Message.ThreadUsage(
                thread: 7, process: .max, started: 1, processorTime: 2, majorFaults: 3, name: Array("python3".utf8))),
    ]

    @Test("A message survives encoding", arguments: messages)
    func roundTrip(message: Message) {
        #expect(Message(decoding: message.encode()) == message)
    }

    @Test("A truncated message, or one with excess bytes, is refused", arguments: messages)
    func truncated(message: Message) {
        let payload = message.encode()
        for length in 0..<payload.count { #expect(Message(decoding: Array(payload[..<length])) == nil) }
        #expect(Message(decoding: payload + [0]) == nil)
    }

    @Test(
        "Invalid values are refused",
        arguments: [
            [], [0], [9], [8, 0], [1, 0] + [UInt8](repeating: 0, count: 16), [2, 3] + [UInt8](repeating: 0, count: 20),
            [3, 9],
            [13, 0], [13, 4], [14, 0], [15, 0], [5, 3, 0], [7, 9], [9, 0], [9, 9], [9, 1, 0, 0, 4, 0, 0, 0, 0],
            [9, 2, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0],
            [9, 3, 0, 0, 9], [2, 1] + [UInt8](repeating: 0, count: 16) + [255, 255, 255, 255],
        ] as [[UInt8]])
    func hostile(payload: [UInt8]) {
        #expect(Message(decoding: payload) == nil)
    }

    @Test("A message fits a frame for any subject of its failure")
    func longSubject() {
        let failure = Message.StartFailure(
            stage: .execute, errno: 36, subject: [UInt8](repeating: 0x2F, count: 100_000))
        #expect(Message.failed(failure).encode().count < Frame.limit)
    }
}

@Suite("Boot specs")
struct BootSpecTests {
    private static func sample(_ probe: ProbeAction?) -> BootSpec {
        var spec = BootSpec(
            runtime: .machine, channel: Array("/dev/ttyS1".utf8), hostname: Array("box".utf8),
            arguments: [Array("/bin/server".utf8), [], [0xFF, 0xFE]], environment: [Array("A=b=c".utf8)],
            workingDirectory: Array("/srv".utf8), user: Array("web:web".utf8), probe: probe, timeoutMilliseconds: 1_234)
        spec.modules = [Array("/modules/virtio.ko".utf8)]
        spec.lateModules = [Array("/modules/vsock.ko".utf8), []]
        spec.network = BootSpec.NetworkCard(address: 0x0A00_020F, prefix: 24, gateway: 0x0A00_0202, nameserver: .max)
        spec.proxiedPorts = [8080, 1, .max]
        spec.rootDevice = Array("/dev/vda".utf8)
        spec.probeSpecs = [
            ProbeSpec(probe ?? .tcp(port: 7), mustPass: true, timeoutMilliseconds: 5_000),
            ProbeSpec(.exec(["true"]), mustPass: false, timeoutMilliseconds: .max),
        ]
        (spec.keepsRunning, spec.recordsOpenedFiles) = (true, false)
        (spec.checksTermination, spec.recordsStart) = (true, false)
        (spec.quietMilliseconds, spec.continueMilliseconds) = (5_000, .max)
        return spec
    }

    /// A request with a value in every part.
    private static let full = {
        var probe = HTTPProbe(port: 1, path: Array("/a".utf8))
        (probe.method, probe.host) = (Array("POST".utf8), Array("app.test".utf8))
        (probe.headers, probe.body) = ([Array("A: b".utf8), []], [0, 0xFF])
        (probe.statuses, probe.wanted) = ([.init(200, 299), .init(404, 404)], Array("ok".utf8))
        return probe
    }()

    private static let probes: [ProbeAction?] = [
        nil, .http(port: 8080, path: "/healthz?x=1"), .http(full), .tcp(port: 65_535),
        .exec([Array("true".utf8), [0xFF, 0x20]]),
    ]

    @Test("A boot spec survives encoding", arguments: probes)
    func roundTrip(probe: ProbeAction?) {
        let spec = BootSpecTests.sample(probe)
        #expect(BootSpec(decoding: spec.encode()) == spec)
    }

    @Test("A pattern is the host's, so init gets no probe, and no pattern among its probes")
    func pattern() {
        #expect(BootSpec(decoding: BootSpecTests.sample(.log("ready")).encode()) == nil)
        var spec = BootSpecTests.sample(.log("ready"))
        spec.probeSpecs = []
        let decoded = BootSpec(decoding: spec.encode())
        spec.probe = nil
        #expect(decoded == spec)
    }

    @Test("A truncated boot spec, one with excess bytes, or one of another version is refused", arguments: probes)
    func damaged(probe: ProbeAction?) {
        let bytes = BootSpecTests.sample(probe).encode()
        for length in 0..<bytes.count { #expect(BootSpec(decoding: Array(bytes[..<length])) == nil) }
        #expect(BootSpec(decoding: bytes + [0]) == nil)
        #expect(BootSpec(decoding: [bytes[0] ^ 1] + bytes.dropFirst()) == nil)
    }

    @Test("A boot spec with an invalid network or port is refused")
    func impossible() throws {
        let spec = BootSpecTests.sample(nil)
        let good = spec.encode()
        // A flag, then address, prefix, gateway and nameserver, then a count and the ports.
        let flag = try #require(good.firstRange(of: [1, 0x0F, 2, 0, 10, 24])?.lowerBound)
        for (offset, byte) in [(0, 2), (0, 0), (5, 33), (14, 33), (14, 255), (14, 4)] as [(Int, UInt8)] {
            var bytes = good
            bytes[flag + offset] = byte
            #expect(BootSpec(decoding: bytes) == nil, "byte \(byte) at \(offset)")
        }
        var alone = spec
        (alone.network, alone.proxiedPorts) = (nil, [])
        #expect(BootSpec(decoding: alone.encode()) == alone)
    }

    @Test("Random bytes are refused or decoded to a valid boot spec")
    func random() {
        var generator = SystemRandomNumberGenerator()
        let good = BootSpecTests.sample(.tcp(port: 1)).encode()
        for _ in 0..<2_000 {
            var bytes = good
            for _ in 0..<3 {
                bytes[Int.random(in: 4..<bytes.count, using: &generator)] = UInt8.random(in: 0...255, using: &generator)
            }
            if let spec = BootSpec(decoding: bytes) {
                #expect(BootSpec(decoding: spec.encode()) == spec)
                #expect(spec.proxiedPorts.count <= BootSpec.proxiedPortLimit)
                #expect(spec.probeSpecs.count <= BootSpec.probeLimit)
            }
        }
    }

    @Test("A forged count allocates nothing")
    func lyingCount() {
        var reader = WireReader([0xFF, 0xFF, 0xFF, 0x7F, 0, 0, 0, 0])
        #expect(reader.list() == nil)
    }
}
