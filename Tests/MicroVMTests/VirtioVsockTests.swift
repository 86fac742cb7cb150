import Glibc
import Linux
import SystemPackage
import Testing

@testable import MicroVM

private typealias Packet = VsockGuest.Packet

@Suite struct VirtioVsockTests {
    private static func pattern(_ count: Int, _ seed: Int = 0) -> [UInt8] {
        (0..<count).map { UInt8(truncatingIfNeeded: ($0 &+ seed) &* 13 &+ $0 >> 8) }
    }

    @Test("A header is 44 bytes")
    func layout() {
        #expect(MemoryLayout<VsockHeader>.size == VsockHeader.byteCount)
        #expect(MemoryLayout<VsockHeader>.offset(of: \.fwdCnt) == 40)
    }

    @Test("The host connects to the guest, and bytes go both ways", arguments: [1, 2])
    func fromHost(pieces: Int) throws {
        let guest = try VsockGuest(pieces: pieces)
        let (peer, port) = try guest.connected()
        peer.put("GET /")
        #expect(
            try guest.receive() == [
                Packet(operation: .rw, hostPort: port, guestPort: 80, payload: Array("GET /".utf8))
            ])
        for size in [1, 43, 44, 45, 4096, 65_536] {
            try guest.send(
                Packet(operation: .rw, hostPort: port, guestPort: 80, payload: VirtioVsockTests.pattern(size)))
            #expect(peer.take() == VirtioVsockTests.pattern(size))
        }
    }

    @Test("The guest connects to a listener on the host", arguments: [1, 2])
    func fromGuest(pieces: Int) throws {
        let guest = try VsockGuest(pieces: pieces)
        let peer = try guest.connecting()
        peer.put("hello")
        #expect(
            try guest.receive() == [
                Packet(operation: .rw, hostPort: 7, guestPort: 1000, payload: Array("hello".utf8))
            ])
        try guest.send(Packet(operation: .rw, hostPort: 7, guestPort: 1000, payload: [1, 2, 3]))
        #expect(peer.take() == [1, 2, 3])
        try guest.send(Packet(operation: .request, hostPort: 8, guestPort: 1001))
        #expect(try guest.receive() == [Packet(operation: .rst, hostPort: 8, guestPort: 1001)])
    }

    @Test("Data behind the handshake line, or in pieces, is not lost")
    func handshake() throws {
        let guest = try VsockGuest()
        let peer = try VsockGuest.Peer(UnixSocket.connect(to: guest.path))
        for piece in ["CONN", "ECT 40", "96\nabc"] {
            peer.put(piece)
            guest.driver.settle()
        }
        let request = try #require(guest.receive().first)
        #expect(request.guestPort == 4096 && request.operation == .request)
        try guest.send(Packet(operation: .response, hostPort: request.hostPort, guestPort: 4096))
        #expect(guest.data(try guest.receive()) == Array("abc".utf8))
    }

    @Test(
        "A client with an invalid handshake is disconnected",
        arguments: [
            "\n", "CONNECT\n", "CONNECT \n", "CONNECT -1\n", "CONNECT +1\n", "CONNECT 4294967296\n", "connect 1\n",
            "CONNECT 1 2\n", "CONNECT  1\n", "CONNECT 000000000000000000000000000000000001\n", "GET / HTTP/1.1\r\n",
            String(repeating: "x", count: 64),
        ])
    func badHandshakes(line: String) throws {
        let guest = try VsockGuest()
        let peer = try VsockGuest.Peer(UnixSocket.connect(to: guest.path))
        peer.put(line)
        #expect(try guest.receive().isEmpty)
        #expect(peer.hasEnded)
        _ = try guest.connected()
    }

    @Test("A refusal by the guest closes the host's socket")
    func refused() throws {
        let guest = try VsockGuest()
        let peer = try VsockGuest.Peer(UnixSocket.connect(to: guest.path))
        peer.put("CONNECT 9\n")
        let request = try #require(guest.receive().first)
        try guest.send(Packet(operation: .rst, hostPort: request.hostPort, guestPort: 9))
        #expect(peer.hasEnded)
    }

    @Test("The guest gets only as much data as its credit allows")
    func creditOfGuest() throws {
        let guest = try VsockGuest()
        guest.room = 10_000
        let (peer, port) = try guest.connected()
        let all = VirtioVsockTests.pattern(65_000)
        #expect(peer.put(all) == all.count)
        var got: [UInt8] = []
        while got.count < all.count {
            let packets = try guest.receive()
            let part = guest.data(packets)
            #expect(part.count == min(10_000, all.count - got.count))
            #expect(
                packets.filter { $0.operation == .creditRequest }.count == (got.count + part.count < all.count ? 1 : 0))
            got += part
            #expect(try guest.receive().isEmpty)
            guard !part.isEmpty else { break }
            guest.forwarded &+= UInt32(part.count)
            try guest.send(Packet(operation: .creditUpdate, hostPort: port, guestPort: 80))
        }
        #expect(got == all)
    }

    @Test("Data waits until the guest has buffers", arguments: [0, VirtioDriver.eventIndex])
    func noBuffers(features: UInt64) throws {
        let guest = try VsockGuest(features: features)
        let (peer, _) = try guest.connected()
        // This uses up the rest of the first buffers.
        let all = VirtioVsockTests.pattern(100_000)
        #expect(peer.put(all) == all.count)
        var got = guest.data(try guest.receive(giveBack: false))
        #expect(got.count == 16 * 4096)
        #expect(try guest.give(4))
        got += guest.data(try guest.receive(giveBack: false))
        #expect(got.count == 20 * 4096)
        try guest.give(10)
        got += guest.data(try guest.receive())
        #expect(got == all)
    }

    @Test("A host that does not read makes the guest wait, and no data is lost")
    func creditOfHost() throws {
        let guest = try VsockGuest()
        let (peer, port) = try guest.connected()
        var sent = 0
        func credit() -> Int { 65_536 - (sent - Int(guest.lastHeader.fwdCnt)) }
        func push() throws {
            // Like a guest that knows only the credit in received packets.
            while credit() > 0 {
                let part = VirtioVsockTests.pattern(min(4000, credit()), sent)
                try guest.send(Packet(operation: .rw, hostPort: port, guestPort: 80, payload: part))
                sent += part.count
                _ = try guest.receive()
                guest.driver.rewind()
                try guest.restock()
            }
        }
        try push()
        let full = sent
        #expect(full > 65_536)
        var got: [UInt8] = []
        while sent < full + 500_000 {
            let part = peer.take() ?? []
            guard !part.isEmpty else { break }
            got += part
            _ = try guest.receive()
            try push()
        }
        #expect(sent >= full + 500_000)
        while let part = peer.take(), !part.isEmpty {
            got += part
            guest.driver.settle()
        }
        #expect(got.count == sent)
    }

    @Test("A guest that exceeds its credit loses its connection")
    func overCredit() throws {
        let guest = try VsockGuest()
        let (peer, port) = try guest.connected()
        var packets: [Packet] = []
        for _ in 0..<40 where packets.isEmpty {
            try guest.send(
                Packet(operation: .rw, hostPort: port, guestPort: 80, payload: VirtioVsockTests.pattern(32_768)))
            packets = try guest.receive().filter { $0.operation == .rst }
            guest.driver.rewind()
            try guest.restock()
        }
        #expect(packets == [Packet(operation: .rst, hostPort: port, guestPort: 80)])
        while let part = peer.take(), !part.isEmpty {}
        #expect(peer.hasEnded)
        #expect(!guest.driver.needsReset)
    }

    @Test("A credit request gets a credit update")
    func creditRequest() throws {
        let guest = try VsockGuest()
        let (peer, port) = try guest.connected()
        try guest.send(Packet(operation: .creditRequest, hostPort: port, guestPort: 80))
        #expect(try guest.receive() == [Packet(operation: .creditUpdate, hostPort: port, guestPort: 80)])
        #expect(guest.lastHeader.bufAlloc == 65_536)
        #expect(!peer.hasEnded)
    }

    @Test("A side that stops sending still receives")
    func halfClosed() throws {
        let guest = try VsockGuest()
        let (peer, port) = try guest.connected()
        peer.put("last")
        peer.stopSending()
        #expect(
            try guest.receive() == [
                Packet(operation: .rw, hostPort: port, guestPort: 80, payload: Array("last".utf8)),
                Packet(operation: .shutdown, hostPort: port, guestPort: 80, flags: 2),
            ])
        try guest.send(Packet(operation: .rw, hostPort: port, guestPort: 80, payload: [1]))
        #expect(peer.take() == [1])
        try guest.send(Packet(operation: .shutdown, hostPort: port, guestPort: 80, flags: 2))
        #expect(peer.take() == nil)
        // Now neither side sends any more.
        #expect(try guest.receive() == [Packet(operation: .shutdown, hostPort: port, guestPort: 80, flags: 3)])
        try guest.send(Packet(operation: .shutdown, hostPort: port, guestPort: 80, flags: 3))
        #expect(try guest.receive() == [Packet(operation: .rst, hostPort: port, guestPort: 80)])
    }

    @Test("The guest gets a shutdown after the last bytes of a closed host socket, and its reply ends the connection")
    func hostGone() throws {
        let guest = try VsockGuest()
        var (peer, port): (VsockGuest.Peer?, UInt32) = try guest.connected()
        peer?.put("bye")
        peer = nil
        let packets = try guest.receive()
        #expect(guest.data(packets) == Array("bye".utf8))
        #expect(packets.last == Packet(operation: .shutdown, hostPort: port, guestPort: 80, flags: 3))
        try guest.send(Packet(operation: .rst, hostPort: port, guestPort: 80))
        try guest.send(Packet(operation: .rw, hostPort: port, guestPort: 80, payload: [1]))
        #expect(try guest.receive() == [Packet(operation: .rst, hostPort: port, guestPort: 80)])
    }

    @Test("A shutdown by the guest reaches the host after its last bytes")
    func guestGone() throws {
        let guest = try VsockGuest()
        let (peer, port) = try guest.connected()
        try guest.send(Packet(operation: .rw, hostPort: port, guestPort: 80, payload: [7, 8]))
        try guest.send(Packet(operation: .shutdown, hostPort: port, guestPort: 80, flags: 3))
        #expect(try guest.receive() == [Packet(operation: .rst, hostPort: port, guestPort: 80)])
        #expect(peer.take() == [7, 8])
        #expect(peer.take() == nil)
    }

    @Test("A client that disconnects before the guest's response causes a reset")
    func hostGoneEarly() throws {
        let guest = try VsockGuest()
        var peer: VsockGuest.Peer? = try VsockGuest.Peer(UnixSocket.connect(to: guest.path))
        peer?.put("CONNECT 80\n")
        let request = try #require(guest.receive().first)
        peer = nil
        #expect(try guest.receive() == [Packet(operation: .rst, hostPort: request.hostPort, guestPort: 80)])
        _ = peer
    }

    @Test(
        "An invalid packet gets a reset, unless it is a reset",
        arguments: [
            ("longer than its buffer", 1), ("of another type", 1), ("of no known kind", 1), ("too long", 1),
            ("from another guest", 0), ("to another host", 0), ("a stray reset", 0),
        ])
    func nonsense(kind: String, answers: Int) throws {
        let guest = try VsockGuest()
        let operation: VsockOperation = kind == "a stray reset" ? .rst : .rw
        try guest.send(Packet(operation: operation, hostPort: 5, guestPort: 6, payload: [1, 2, 3])) { header in
            switch kind {
            case "longer than its buffer": header.byteCount = 4
            case "of another type": header.type = 2
            case "of no known kind": header.operation = 9
            case "too long": header.byteCount = .max
            case "from another guest": header.sourceCID = 4
            case "to another host": header.destinationCID = 1
            default: break
            }
        }
        #expect(try guest.receive() == (answers == 0 ? [] : [Packet(operation: .rst, hostPort: 5, guestPort: 6)]))
        #expect(!guest.driver.needsReset)
        _ = try guest.connected()
    }

    @Test("Packets with a truncated header, and buffers without room for one, stop the device", arguments: [43, 44])
    func faults(count: Int) throws {
        let guest = try VsockGuest(buffers: 0)
        if count == 43 {
            try guest.driver.add(1, [guest.driver.readable([UInt8](repeating: 0, count: 43))])
            guest.driver.run(1)
        } else {
            let peer = try VsockGuest.Peer(UnixSocket.connect(to: guest.path))
            peer.put("CONNECT 1\n")
            try guest.driver.add(0, [guest.driver.writable(44)])
            guest.driver.run(0)
        }
        #expect(guest.driver.needsReset)
        try guest.restart()
        _ = try guest.connected()
    }

    @Test("Refused packets wait in the guest's queue while it has no receive buffers")
    func flood() throws {
        let guest = try VsockGuest(buffers: 0)
        let bytes = { (port: UInt32) -> [UInt8] in
            var header = VsockHeader(.rw, to: 2, VsockKey(hostPort: 1, guestPort: port))
            (header.sourceCID, header.destinationCID, header.sourcePort, header.destinationPort) = (3, 2, port, 1)
            return unsafe withUnsafeBytes(of: header) { unsafe Array($0.prefix(44)) }
        }
        for port in 0..<100 { try guest.driver.add(1, [guest.driver.readable(bytes(UInt32(port)))]) }
        guest.driver.run(1)
        #expect(try guest.driver.answers(1).count == 64)
        try guest.give(16)
        let ports = try guest.receive().map { packet in
            #expect(packet.operation == .rst)
            return packet.guestPort
        }
        #expect(ports == (0..<100).map { UInt32($0) })
        #expect(try guest.driver.answers(1).count == 36)
    }

    @Test("The limit is 256 connections, and the end of one makes room for another")
    func limit() throws {
        let guest = try VsockGuest()
        let listener = try UnixSocket.listen(in: Directory(guest.directory.path), as: "v_1")
        var peers: [VsockGuest.Peer] = []
        for port in 0..<256 as Range<UInt32> {
            try guest.send(Packet(operation: .request, hostPort: 1, guestPort: port))
            #expect(try guest.receive().map(\.operation) == [.response])
            guard let socket = UnixSocket.accept(listener) else { return }
            peers.append(VsockGuest.Peer(socket))
        }
        try guest.send(Packet(operation: .request, hostPort: 1, guestPort: 300))
        #expect(try guest.receive() == [Packet(operation: .rst, hostPort: 1, guestPort: 300)])
        let late = try VsockGuest.Peer(UnixSocket.connect(to: guest.path))
        late.put("CONNECT 2\n")
        #expect(try guest.receive().isEmpty)
        try guest.send(Packet(operation: .rst, hostPort: 1, guestPort: 17))
        #expect(try guest.receive().map(\.operation) == [.request])
        #expect(peers[17].hasEnded && !peers[18].hasEnded)
    }

    @Test("A reset of the driver ends all connections, and new ones are possible")
    func driverReset() throws {
        let guest = try VsockGuest()
        let (peer, _) = try guest.connected()
        let waiting = try VsockGuest.Peer(UnixSocket.connect(to: guest.path))
        guest.driver.settle()
        guest.driver.write(0x70, 0)
        #expect(peer.hasEnded && waiting.hasEnded)
        let early = try VsockGuest.Peer(UnixSocket.connect(to: guest.path))
        early.put("CONNECT 5\n")
        try guest.restart()
        #expect(try guest.receive().map(\.guestPort) == [5])
        _ = try guest.connected()
    }

    @Test("A path that exists, or is too long, can't be listened at")
    func paths() throws {
        let directory = try SocketDirectory()
        let first = try VsockDevice(path: directory.path.appending("v"))
        #expect(throws: MachineError.self) { try VsockDevice(path: directory.path.appending("v")) }
        let long = directory.path.appending(String(repeating: "x", count: 90))
        #expect(throws: MachineError.self) { try VsockDevice(path: long) }
        withExtendedLifetime(first) {}
    }

    @Test("One busy connection does not starve another")
    func fairness() throws {
        let guest = try VsockGuest()
        let (loud, _) = try guest.connected(to: 1)
        let (quiet, _) = try guest.connected(to: 2)
        loud.put(VirtioVsockTests.pattern(150_000))
        guest.driver.settle()
        quiet.put("x")
        let packets = try guest.receive()
        let turn = try #require(packets.firstIndex { $0.guestPort == 2 })
        #expect(turn <= 18)
        #expect(packets.filter { $0.guestPort == 1 }.map(\.payload.count).reduce(0, +) == 150_000)
    }
}
