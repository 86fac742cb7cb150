import Glibc
import Linux
import SystemPackage
import Testing

@testable import MicroVM

/// A guest's side of sockets, packet by packet, and the host's directory with its sockets.
final class VsockGuest {
    struct Packet: Equatable {
        var operation: VsockOperation
        var hostPort: UInt32
        var guestPort: UInt32
        var flags: UInt32 = 0
        var payload: [UInt8] = []
    }

    let directory: SocketDirectory
    let driver: VirtioDriver
    let device: VsockDevice
    /// The buffer size and the forwarded bytes that the guest reports for each connection.
    var room: UInt32 = 1 << 20
    var forwarded: UInt32 = 0
    /// The header of the last received packet.
    private(set) var lastHeader = VsockHeader()
    /// The number of descriptors of a packet: one for header and data, or two.
    private let pieces: Int
    private var buffers: [UInt32: UInt64] = [:]

    static let bufferByteCount = 4096 + 44

    init(pieces: Int = 2, buffers count: Int = 16, features: UInt64 = .max) throws {
        directory = try SocketDirectory()
        self.pieces = pieces
        device = try VsockDevice(path: directory.path.appending("v"))
        driver = try VirtioDriver(device)
        driver.sizes = [128, 128, 16]
        driver.start(features: features)
        driver.settle()
        try give(count)
    }

    var path: FilePath { directory.path.appending("v") }

    /// Starts the driver again, with new buffers.
    func restart(buffers count: Int = 16) throws {
        driver.rewind()
        buffers = [:]
        driver.start()
        driver.settle()
        try give(count)
    }

    /// Adds buffers for packets; returns true if the device requested a notification.
    @discardableResult
    func give(_ count: Int) throws -> Bool {
        let before = driver.added[0]
        for _ in 0..<count {
            let place = driver.writable(VsockGuest.bufferByteCount)
            buffers[UInt32(try add(place.address))] = place.address
        }
        defer { driver.run(0) }
        return try driver.wantsKick(0, since: before)
    }

    /// Reserves the buffers that the device still has, after the driver's memory was freed.
    func restock() throws {
        if let last = buffers.values.max() { while driver.room(64) <= last + UInt64(VsockGuest.bufferByteCount) {} }
    }

    private func add(_ address: UInt64) throws -> UInt16 {
        let count = UInt32(VsockGuest.bufferByteCount)
        guard pieces == 2 else {
            return try driver.add(0, [.init(address: address, byteCount: count, isWritten: true)])
        }
        return try driver.add(
            0,
            [
                .init(address: address, byteCount: 44, isWritten: true),
                .init(address: address + 44, byteCount: count - 44, isWritten: true),
            ])
    }

    /// Sends a packet; `bend` may change its header.
    func send(_ packet: Packet, bend: (inout VsockHeader) -> Void = { _ in }) throws {
        var header = VsockHeader()
        header.sourceCID = 3
        header.destinationCID = 2
        header.sourcePort = packet.guestPort
        header.destinationPort = packet.hostPort
        header.byteCount = UInt32(packet.payload.count)
        header.operation = packet.operation.rawValue
        header.flags = packet.flags
        header.bufAlloc = room
        header.fwdCnt = forwarded
        bend(&header)
        let bytes = unsafe withUnsafeBytes(of: header) { unsafe Array($0.prefix(44)) }
        if packet.payload.isEmpty {
            try driver.add(1, [driver.readable(bytes)])
        } else if pieces == 2 {
            try driver.add(1, [driver.readable(bytes), driver.readable(packet.payload)])
        } else {
            try driver.add(1, [driver.readable(bytes + packet.payload)])
        }
        driver.run(1)
        _ = try driver.answers(1)
    }

    /// Runs the device, and returns the received packets; by default it adds each buffer again at once.
    func receive(giveBack: Bool = true) throws -> [Packet] {
        var packets: [Packet] = []
        driver.settle()
        while true {
            let answers = try driver.answers(0)
            if answers.isEmpty { return packets }
            for answer in answers {
                let address = try #require(buffers[answer.head])
                buffers[answer.head] = nil
                packets.append(try packet(at: address, Int(answer.written)))
                if giveBack { buffers[UInt32(try add(address))] = address }
            }
            if giveBack { driver.run(0) }
        }
    }

    private func packet(at address: UInt64, _ written: Int) throws -> Packet {
        var header = VsockHeader()
        unsafe try withUnsafeMutableBytes(of: &header) {
            unsafe try driver.memory.read(address, into: .init(rebasing: $0.prefix(44)))
        }
        lastHeader = header
        #expect(header.sourceCID == 2 && header.destinationCID == 3 && header.type == 1)
        #expect(written == 44 + Int(header.byteCount))
        let operation = VsockOperation(rawValue: header.operation)
        return Packet(
            operation: try #require(operation), hostPort: header.sourcePort,
            guestPort: header.destinationPort, flags: header.flags,
            payload: try driver.memory.bytes(at: address + 44, count: Int(header.byteCount)))
    }

    /// Connects from the host to a port of the guest.
    func connected(to port: UInt32 = 80) throws -> (Peer, UInt32) {
        let peer = try Peer(UnixSocket.connect(to: path))
        peer.put("CONNECT \(port)\n")
        let packets = try receive()
        let hostPort = try #require(packets.first).hostPort
        #expect(packets == [Packet(operation: .request, hostPort: hostPort, guestPort: port)])
        try send(Packet(operation: .response, hostPort: hostPort, guestPort: port))
        #expect(peer.take() == Array("OK \(hostPort)\n".utf8))
        return (peer, hostPort)
    }

    /// Connects the guest to a port of the host, with a listener of its own.
    func connecting(from guestPort: UInt32 = 1000, to hostPort: UInt32 = 7) throws -> Peer {
        let listener = try UnixSocket.listen(in: Directory(directory.path), as: FilePath("v_\(hostPort)"))
        try send(Packet(operation: .request, hostPort: hostPort, guestPort: guestPort))
        #expect(try receive() == [Packet(operation: .response, hostPort: hostPort, guestPort: guestPort)])
        guard let socket = UnixSocket.accept(listener) else { throw Errno(rawValue: errno) }
        return Peer(socket)
    }

    func data(_ packets: [Packet]) -> [UInt8] {
        packets.filter { $0.operation == .rw }.flatMap(\.payload)
    }

    /// The host's side of a connection; it never blocks.
    final class Peer {
        private let socket: OwnedDescriptor

        init(_ socket: consuming OwnedDescriptor) {
            self.socket = socket
        }

        func put(_ text: String) { #expect(put(Array(text.utf8)) == text.utf8.count) }

        /// Returns the number of bytes that were sent.
        @discardableResult
        func put(_ bytes: [UInt8]) -> Int {
            unsafe Glibc.send(socket.rawValue, bytes, bytes.count, Int32(MSG_NOSIGNAL | MSG_DONTWAIT))
        }

        /// Returns the available data; `nil` at the end of the stream.
        func take() -> [UInt8]? {
            var bytes = [UInt8](repeating: 0, count: 1 << 20)
            let count = unsafe recv(socket.rawValue, &bytes, bytes.count, Int32(MSG_DONTWAIT))
            return count == 0 ? nil : Array(bytes[..<max(count, 0)])
        }

        var hasEnded: Bool {
            var byte: UInt8 = 0
            return unsafe recv(socket.rawValue, &byte, 1, Int32(MSG_DONTWAIT | MSG_PEEK)) == 0 || errno == ECONNRESET
        }

        func stopSending() { shutdown(socket.rawValue, Int32(SHUT_WR)) }
    }
}
