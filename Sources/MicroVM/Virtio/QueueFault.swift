/// What a guest's driver did to a queue that no driver may do; its device stops until it is reset.
enum QueueFault: Error, Equatable, CustomStringConvertible {
    /// A ring that is not memory, is not aligned, or has an impossible size.
    case ring(queue: Int)
    /// More requests than the queue has places.
    case availableIndex(UInt16)
    /// A descriptor that its table does not have.
    case descriptorIndex(UInt16)
    /// A chain that is longer than its queue or its table, as every circle is.
    case endlessChain
    /// A buffer of no bytes.
    case emptyBuffer
    /// A buffer that is not memory, or that would be written where the guest may not write.
    case buffer(GuestFault)
    /// A chain of 4 GiB or more.
    case hugeChain
    /// A buffer to read behind one to write.
    case order
    /// An indirect table where none may be, or of a size that none has.
    case indirect
    /// A request without the parts that every request of its device has.
    case request(String)

    var description: String {
        switch self {
        case .ring(let queue): "queue \(queue) has rings that cannot be"
        case .availableIndex(let index): "the index \(index) offers more requests than the queue holds"
        case .descriptorIndex(let index): "descriptor \(index) does not exist"
        case .endlessChain: "a chain does not end"
        case .emptyBuffer: "a buffer has no bytes"
        case .buffer(let fault): "a buffer of \(fault.byteCount) bytes at \(fault.address) may not be used"
        case .hugeChain: "a chain has 4 GiB or more"
        case .order: "a buffer to read follows one to write"
        case .indirect: "an indirect table is not as it may be"
        case .request(let reason): reason
        }
    }
}
