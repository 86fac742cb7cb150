/// A violation of the virtqueue rules by a guest's driver; its device stops until it is reset.
enum QueueFault: Error, Equatable, CustomStringConvertible {
    /// A ring outside guest memory, misaligned, or of an invalid size.
    case ring(queue: Int)
    /// More requests than the queue has entries.
    case availableIndex(UInt16)
    /// A descriptor index beyond its table.
    case descriptorIndex(UInt16)
    /// A chain that is longer than its queue or its table, as every loop is.
    case endlessChain
    /// A buffer of zero bytes.
    case emptyBuffer
    /// A buffer outside guest memory, or a writable one in read-only memory.
    case buffer(GuestFault)
    /// A chain of 4 GiB or more.
    case hugeChain
    /// A readable buffer after a writable one.
    case order
    /// An indirect table in an invalid place or of an invalid size.
    case indirect
    /// A request without the parts that its device type requires.
    case request(String)

    var description: String {
        switch self {
        case .ring(let queue): "virtqueue \(queue): a ring is outside guest memory, misaligned, or of an invalid size"
        case .availableIndex(let index): "the available index \(index) offers more requests than the queue holds"
        case .descriptorIndex(let index): "descriptor \(index) is beyond its table"
        case .endlessChain: "a descriptor chain is longer than its queue or table"
        case .emptyBuffer: "a descriptor has zero bytes"
        case .buffer(let fault): "a \(fault.byteCount)-byte buffer at \(fault.address) is outside memory or read-only"
        case .hugeChain: "a descriptor chain has 4 GiB or more"
        case .order: "a readable buffer follows a writable one"
        case .indirect: "an indirect table is in an invalid place or of an invalid size"
        case .request(let reason): reason
        }
    }
}
