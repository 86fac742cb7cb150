internal import Linux
internal import Synchronization

/// The last lines of a command's output.
final class OutputTail: Sendable {
    private static let limit = 64 << 10
    private let bytes = Mutex<[UInt8]>([])

    func add(_ more: [UInt8]) {
        bytes.withLock { bytes in
            bytes += more
            if bytes.count > 2 * Self.limit { bytes.removeFirst(bytes.count - Self.limit) }
        }
    }

    var lines: [String] {
        let lines = bytes.withLock { $0 }.split(separator: 10).map(OutputLines.line).filter { !$0.isEmpty }
        return lines.suffix(20).map { String($0.prefix(500)) }
    }
}
