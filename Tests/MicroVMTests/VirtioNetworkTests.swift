import Glibc
import Linux
import SystemPackage
import Testing

@testable import MicroVM

/// A network card and the other end of its cable.
private final class Cable {
    static let mac: [UInt8] = [0x52, 0x54, 0, 0, 0, 1]
    let driver: VirtioDriver
    /// A non-blocking socket.
    let peer: OwnedDescriptor
    private var received: [UInt8] = []

    init(features: UInt64 = .max) throws {
        var ends: [Int32] = [0, 0]
        #expect(unsafe socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0, &ends) == 0)
        _ = fcntl(ends[1], F_SETFL, O_NONBLOCK)
        peer = OwnedDescriptor(owning: ends[1])
        driver = try VirtioDriver(NetworkDevice(socket: OwnedDescriptor(owning: ends[0]), mac: Cable.mac))
        driver.start(features: features)
        driver.settle()
    }

    /// Sends bytes over the cable.
    func put(_ bytes: [UInt8]) {
        #expect(unsafe send(peer.rawValue, bytes, bytes.count, Int32(MSG_NOSIGNAL)) == bytes.count)
    }

    func put(frame: [UInt8]) { put(Cable.packed(frame)) }

    static func packed(_ frame: [UInt8]) -> [UInt8] {
        let count = UInt32(frame.count)
        return [UInt8(count >> 24), UInt8(count >> 16 & 255), UInt8(count >> 8 & 255), UInt8(count & 255)] + frame
    }

    /// Makes a recognizable frame.
    static func frame(_ number: Int, _ count: Int = 60) -> [UInt8] {
        (0..<count).map { UInt8(truncatingIfNeeded: $0 &+ number &* 31) }
    }

    /// Adds a buffer for a frame.
    @discardableResult
    func addBuffer(_ count: Int = 1526, pieces: Int = 1) throws -> VirtioDriver.Buffer {
        let whole = driver.writable(count)
        let cut = pieces == 1 ? 0 : 7
        var buffers = [whole]
        if cut > 0 {
            buffers = [
                .init(address: whole.address, byteCount: UInt32(cut), isWritten: true),
                .init(address: whole.address + UInt64(cut), byteCount: UInt32(count - cut), isWritten: true),
            ]
        }
        try driver.add(0, buffers)
        return whole
    }

    /// Sends a frame from the guest, with its header in a buffer of its own or not.
    func transmit(_ frame: [UInt8], split: Bool = false) throws {
        let header = [UInt8](repeating: 0, count: 12)
        try driver.add(
            1, split ? [driver.readable(header), driver.readable(frame)] : [driver.readable(header + frame)])
    }

    /// Returns all frames that have arrived at the other end since the last call.
    func frames() throws -> [[UInt8]] {
        var bytes = [UInt8](repeating: 0, count: 1 << 18)
        while true {
            let count = unsafe recv(peer.rawValue, &bytes, bytes.count, 0)
            guard count > 0 else { break }
            received += bytes[..<count]
            driver.settle()
        }
        var found: [[UInt8]] = []
        var start = 0
        while received.count - start >= 4 {
            let count = received[start..<start + 4].reduce(0) { $0 << 8 | Int($1) }
            guard received.count - start >= 4 + count else { break }
            found.append(Array(received[start + 4..<start + 4 + count]))
            start += 4 + count
        }
        received.removeFirst(start)
        return found
    }
}

@Suite struct VirtioNetworkTests {
    private static let header: [UInt8] = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0]

    @Test("A frame from the cable arrives in the guest's buffer behind its header", arguments: [1, 2])
    func receives(pieces: Int) throws {
        let cable = try Cable()
        let buffer = try cable.addBuffer(pieces: pieces)
        cable.put(frame: Cable.frame(1))
        cable.driver.settle()
        #expect(try cable.driver.answers(0).map(\.written) == [72])
        #expect(
            try cable.driver.memory.bytes(at: buffer.address, count: 72) == VirtioNetworkTests.header + Cable.frame(1))
        #expect(cable.driver.interrupts() == 1)
    }

    @Test("A frame of the guest arrives on the cable behind its length", arguments: [false, true])
    func transmits(split: Bool) throws {
        let cable = try Cable()
        for number in 0..<10 { try cable.transmit(Cable.frame(number, 14 + number * 150), split: split) }
        cable.driver.run(1)
        #expect(try cable.frames() == (0..<10).map { Cable.frame($0, 14 + $0 * 150) })
        #expect(try cable.driver.answers(1).count == 10)
    }

    @Test(
        "Frames without a buffer wait for one, and none is lost", arguments: [0, VirtioDriver.eventIndex])
    func refill(features: UInt64) throws {
        let cable = try Cable(features: features)
        let driver = cable.driver
        var buffers: [VirtioDriver.Buffer] = []
        for _ in 0..<3 { buffers.append(try cable.addBuffer()) }
        driver.run(0)
        for number in 0..<50 { cable.put(frame: Cable.frame(number)) }
        driver.settle()
        var got = try driver.answers(0).count
        #expect(got == 3)
        while got < 50 {
            let before = driver.added[0]
            for _ in 0..<4 { buffers.append(try cable.addBuffer()) }
            // Without this notification the device would wait forever.
            #expect(try driver.wantsKick(0, since: before))
            driver.run(0)
            let more = try driver.answers(0).count
            #expect(more == min(4, 50 - got))
            guard more > 0 else { break }
            got += more
        }
        for number in 0..<50 {
            let bytes = try driver.memory.bytes(at: buffers[number].address + 12, count: 60)
            #expect(bytes == Cable.frame(number))
        }
    }

    @Test("A full cable leaves frames in the guest's queue, and none is lost")
    func backpressure() throws {
        let cable = try Cable()
        let driver = cable.driver
        var (sent, answered) = (0, 0)
        while sent - answered < 32 {
            driver.rewind()
            for _ in 0..<32 - (sent - answered) {
                try cable.transmit(Cable.frame(sent, 1500))
                sent += 1
            }
            driver.run(1)
            let more = try driver.answers(1).count
            answered += more
            if more == 0 { break }
        }
        #expect(sent - answered == 32 && sent > 100)
        var got = 0
        while got < sent {
            let frames = try cable.frames()
            for frame in frames {
                #expect(frame == Cable.frame(got, 1500))
                got += 1
            }
            if frames.isEmpty { break }
        }
        #expect(got == sent)
        answered += try driver.answers(1).count
        #expect(answered == sent)
    }

    @Test("A frame of an invalid size, or too long for the buffer, is dropped, and the next one is delivered")
    func drops() throws {
        let cable = try Cable()
        let first = try cable.addBuffer(100)
        cable.put(frame: Cable.frame(1, 200))
        cable.put(frame: [])
        cable.put(frame: Cable.frame(2, 13))
        cable.put(frame: Cable.frame(3, 88))
        cable.driver.settle()
        #expect(try cable.driver.answers(0).map(\.written) == [100])
        #expect(try cable.driver.memory.bytes(at: first.address + 12, count: 88) == Cable.frame(3, 88))
        try cable.transmit(Cable.frame(4, 13))
        try cable.transmit([])
        try cable.transmit(Cable.frame(5, 65_551))
        try cable.transmit(Cable.frame(6, 65_550))
        cable.driver.run(1)
        #expect(try cable.frames() == [Cable.frame(6, 65_550)])
        #expect(try cable.driver.answers(1).count == 4)
    }

    @Test("A frame with a truncated header stops the card")
    func headless() throws {
        let cable = try Cable()
        try cable.driver.add(1, [cable.driver.readable([UInt8](repeating: 0, count: 11))])
        cable.driver.run(1)
        #expect(cable.driver.transport.fault == .request("a frame to send has a truncated header"))
    }

    @Test("The card continues without a cable if the peer disconnects or sends invalid data", arguments: [true, false])
    func unplugged(isCut: Bool) throws {
        let cable = try Cable()
        try cable.addBuffer()
        if isCut { shutdown(cable.peer.rawValue, Int32(SHUT_RDWR)) } else { cable.put([0, 1, 0, 15, 1]) }
        cable.driver.settle()
        try cable.transmit(Cable.frame(1))
        cable.driver.run(1)
        #expect(try cable.driver.answers(1).count == 1)
        #expect(try cable.driver.answers(0).isEmpty)
        #expect(!cable.driver.needsReset)
        cable.driver.start()
        cable.driver.settle()
        #expect(cable.driver.status == 15)
    }

    @Test("A frame that arrives in pieces is complete also after a reset in between")
    func resetBetween() throws {
        let cable = try Cable()
        let bytes = Cable.packed(Cable.frame(9))
        cable.put(Array(bytes[..<30]))
        cable.driver.settle()
        cable.driver.start()
        cable.driver.settle()
        let buffer = try cable.addBuffer()
        cable.put(Array(bytes[30...]))
        cable.driver.settle()
        #expect(try cable.driver.answers(0).map(\.written) == [72])
        #expect(try cable.driver.memory.bytes(at: buffer.address + 12, count: 60) == Cable.frame(9))
    }

    @Test("A paused card leaves frames in the cable, and its thread is idle")
    func paused() throws {
        let cable = try Cable()
        try cable.addBuffer()
        cable.driver.run(0)
        cable.driver.transport.pause()
        cable.put(frame: Cable.frame(1))
        #expect(!cable.driver.loop.turn(milliseconds: 0))
        cable.driver.transport.resume()
        cable.driver.settle()
        #expect(try cable.driver.answers(0).map(\.written) == [72])
    }

    @Test("The configuration space has the card's address")
    func address() throws {
        let cable = try Cable()
        #expect(cable.driver.read(0x100) == 0x0000_5452)
        #expect(cable.driver.read(0x104) & 0xFFFF == 0x0100)
    }

    @Test(
        "A real passt responds for the guest's gateway",
        .enabled(if: hasPasst, "passt is not installed"))
    func passt() throws {
        let directory = try SocketDirectory()
        let path = directory.path.appending("passt")
        let address = ["-a", "10.0.2.15", "-n", "24", "-g", "10.0.2.2"]
        let options = ["--foreground", "--quiet", "--one-off", "--socket", path.string, "--runas", "0"] + address
        let passt = try Spawned("/usr/bin/passt", options)
        defer { passt.end() }
        let socket = try passt.connect(to: path)
        let driver = try VirtioDriver(NetworkDevice(socket: socket, mac: Cable.mac))
        driver.start()
        for _ in 0..<8 { try driver.add(0, [driver.writable(1526)]) }
        driver.kick(0)
        try driver.add(1, [driver.readable([UInt8](repeating: 0, count: 12) + VirtioNetworkTests.question)])
        driver.kick(1)
        // passt may send frames of its own first.
        for _ in 0..<50 {
            driver.loop.turn(milliseconds: 100)
            driver.settle()
            for answer in try driver.answers(0) {
                let place = try driver.memory.load(UInt64.self, at: driver.descriptors(0) + 16 * UInt64(answer.head))
                let frame = try driver.memory.bytes(at: place + 12, count: Int(answer.written) - 12)
                // An ARP reply of the gateway to us.
                guard frame.count >= 42, frame[12...13] == [8, 6], frame[20...21] == [0, 2] else { continue }
                #expect(Array(frame[0..<6]) == Cable.mac)
                #expect(Array(frame[28..<32]) == [10, 0, 2, 2])
                return
            }
        }
        Issue.record("passt has not responded")
    }

    static var hasPasst: Bool { unsafe access("/usr/bin/passt", X_OK) == 0 }

    /// An ARP request for 10.0.2.2.
    private static let question: [UInt8] =
        [0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF] + Cable.mac + [8, 6, 0, 1, 8, 0, 6, 4, 0, 1] + Cable.mac
        + [10, 0, 2, 15, 0, 0, 0, 0, 0, 0, 10, 0, 2, 2]
}
