internal import Linux
internal import Probe
internal import SystemPackage

/// One request from the host to a port of the guest, through the machine's socket.
struct HostProbe {
    let socket: FilePath
    let request: HTTPProbe
    /// The start of the machine, in nanoseconds of the host's clock.
    let start: UInt64

    private static let timeout: UInt64 = 10_000_000_000
    private static let bodyLimit = 16 << 20

    /// Makes the request, and reads the whole response so that the service can finish it; blocks the thread.
    func run() -> HostProbeSummary {
        let began = hostClock()
        do throws(SystemError) {
            let line = try GuestSocket.connect(to: request.port, through: socket)
            guard let line else { return .failed(reason: "nothing listens on port \(request.port) of the machine") }
            try line.write(request.request)
            var head: [UInt8] = []
            var firstByte: UInt64?
            while head.count < HostProbe.bodyLimit {
                let ready = try waitForInput([line.rawValue], until: began + HostProbe.timeout)
                guard ready == [true], hostClock() < began + HostProbe.timeout else {
                    return .failed(reason: "there was no response within 10 s")
                }
                let piece = try line.read(1 << 16)
                if piece.isEmpty { break }
                firstByte = firstByte ?? hostClock()
                head += piece
            }
            guard let firstByte, let status = HostProbe.status(of: head) else {
                return .failed(reason: "the connection closed without a response")
            }
            return .answered(
                firstByte: Statistics(Double(firstByte - start) / 1e6),
                request: Statistics(Double(firstByte - began) / 1e6), status: status)
        } catch {
            return .failed(reason: "the connection failed: \(error.errno)")
        }
    }

    /// Parses the status in the first line of a response.
    static func status(of answer: [UInt8]) -> Int? {
        let line = answer.prefix { $0 != 0x0A && $0 != 0x0D }
        let words = line.split(separator: 0x20)
        guard words.count >= 2, words[0].starts(with: Array("HTTP/".utf8)), words[1].count == 3 else { return nil }
        return Int(String(decoding: words[1], as: UTF8.self))
    }
}

/// The connection to a guest's ports, in Firecracker's convention.
enum GuestSocket {
    private static let lineLimit = 32

    /// Connects to a port; `nil` if the guest does not accept.
    static func connect(to port: UInt16, through socket: FilePath) throws(SystemError) -> OwnedDescriptor? {
        let line = try UnixSocket.connect(to: socket)
        try line.write(Array("CONNECT \(port)\n".utf8))
        // Byte by byte, because everything behind this line comes from the guest.
        var answer: [UInt8] = []
        while answer.last != 0x0A {
            guard answer.count < lineLimit else { return nil }
            let ready = try waitForInput([line.rawValue], until: hostClock() + 10_000_000_000)
            guard ready == [true], let byte = try line.read(1).first else { return nil }
            answer.append(byte)
        }
        guard answer.starts(with: Array("OK ".utf8)) else { return nil }
        return line
    }
}
