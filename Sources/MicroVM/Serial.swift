internal import Synchronization

/// Stand-in until the helper's file lands.
final class Serial: Sendable {
    private let kept = Mutex<[UInt8]>([])
    var log: [UInt8] { kept.withLock { $0 } }
    func write(_ port: UInt16, _ bytes: UnsafeRawBufferPointer) {
        guard port == 0x3F8 else { return }
        kept.withLock { kept in unsafe kept.append(contentsOf: bytes) }
    }
    func read(_ port: UInt16, _ bytes: UnsafeMutableRawBufferPointer) {
        if port == 0x3FD { unsafe bytes[0] = 0x60 }
    }
}
