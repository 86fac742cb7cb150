/// How much a guest has read of its disk so far.
public struct DiskUse: Sendable, Equatable {
    /// Requests that were answered well.
    public private(set) var reads = 0
    /// What they asked for together; the guest keeps what it has read, so most of it is asked for once.
    public private(set) var bytesRead = 0

    init(reads: Int = 0, bytesRead: Int = 0) {
        (self.reads, self.bytesRead) = (reads, bytesRead)
    }

    mutating func add(_ count: Int) {
        reads += 1
        bytesRead += count
    }
}
