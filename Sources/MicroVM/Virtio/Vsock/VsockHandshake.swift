internal import Glibc

/// A client on the host that has connected but not yet sent the port of the guest.
final class VsockHandshake {
    enum HandshakeResult: Equatable {
        case port(UInt32)
        /// The line has not ended yet.
        case later
        /// The client doesn't speak this protocol.
        case failed
    }

    private static let longestLine = 32

    let socket: HostSocket
    private var line: [UInt8] = []

    init(_ socket: HostSocket) {
        self.socket = socket
    }

    /// Reads the available bytes of `CONNECT port`, and nothing beyond that line.
    func read() -> HandshakeResult {
        let room = VsockHandshake.longestLine - line.count
        guard room > 0 else { return .failed }
        var bytes = [UInt8](repeating: 0, count: room)
        switch IOResult(unsafe recv(socket.number, &bytes, room, Int32(MSG_DONTWAIT | MSG_PEEK))) {
        case .wouldBlock: return .later
        case .closed: return .failed
        case .bytes(let count):
            let end = bytes[..<count].firstIndex(of: UInt8(ascii: "\n"))
            guard unsafe recv(socket.number, &bytes, end.map { $0 + 1 } ?? count, Int32(MSG_DONTWAIT)) > 0 else {
                return .failed
            }
            line += bytes[..<(end ?? count)]
            return end == nil ? .later : VsockHandshake.port(line).map(HandshakeResult.port) ?? .failed
        }
    }

    private static func port(_ line: [UInt8]) -> UInt32? {
        let words = line.split(separator: UInt8(ascii: " "), omittingEmptySubsequences: false)
        guard words.count == 2, words[0].elementsEqual("CONNECT".utf8),
            words[1].allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) })
        else { return nil }
        return UInt32(String(decoding: words[1], as: UTF8.self))
    }
}
