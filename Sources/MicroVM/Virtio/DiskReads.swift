/// A guest's reads from its disk so far.
public struct DiskReads: Sendable, Equatable {
    /// The number of successful read requests.
    public private(set) var reads = 0
    /// The bytes that they read together.
    ///
    /// The guest caches what it has read, so it requests most blocks only once.
    public private(set) var bytesRead = 0

    init(reads: Int = 0, bytesRead: Int = 0) {
        (self.reads, self.bytesRead) = (reads, bytesRead)
    }

    mutating func add(_ count: Int) {
        reads += 1
        bytesRead += count
    }
}
