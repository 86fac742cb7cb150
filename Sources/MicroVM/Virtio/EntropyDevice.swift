internal import CKVM

/// Random bytes of the host for the guest (virtio 1.2, 5.4): one queue of buffers to fill.
final class EntropyDevice: VirtioDevice {
    /// The limit of one request in bytes; a guest can request the rest again.
    static let requestLimit = 4096
    private static let chunk = 256

    private var context: VirtioContext?

    init() {}

    var deviceID: UInt32 { VirtioDeviceID.entropy }
    var features: UInt64 { 0 }
    var queueSizes: [UInt16] { [64] }
    var configuration: [UInt8] { [] }

    func activate(_ context: VirtioContext) { self.context = context }
    func reset() { context = nil }
    func save() -> [UInt8] { [] }

    func restore(_ state: [UInt8]) throws(MachineError) {
        guard state.isEmpty else { throw .brokenSnapshot("an entropy device has no state of its own") }
    }

    func process(queue: Int) throws(QueueFault) {
        guard let context else { return }
        let isBusy = try context.queues[queue].drain { chain throws(QueueFault) in
            guard chain.readable.byteCount == 0, chain.writable.byteCount > 0 else {
                throw .request("an entropy request must have only writable buffers")
            }
            chain.writable.limit(to: EntropyDevice.requestLimit)
            return fill(&chain.writable)
        }
        if isBusy { context.again(queue) }
    }

    private func fill(_ segments: inout Segments) -> Int {
        let wanted = segments.byteCount
        unsafe withUnsafeTemporaryAllocation(byteCount: EntropyDevice.chunk, alignment: 8) { buffer in
            while segments.byteCount > 0 {
                let part = min(segments.byteCount, EntropyDevice.chunk)
                guard unsafe ckvm_random(buffer.baseAddress, part) == part else { break }
                guard unsafe segments.fill(UnsafeRawBufferPointer(rebasing: buffer[..<part])) else { break }
            }
        }
        return wanted - segments.byteCount
    }
}
