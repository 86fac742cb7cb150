internal import Glibc
internal import Linux
internal import Synchronization
internal import SystemPackage

/// The memory that a machine costs this process beyond the guest's own.
enum MemoryOverhead {
    private static let limit = 16 << 20
    private static let list = FilePath("/proc/self/smaps")
    /// The open list of mappings, for a process that can open no files later.
    private static let opened = Mutex<MappingList?>(nil)

    private final class MappingList: Sendable {
        let file: OwnedDescriptor

        init() throws(SystemError) { file = try OwnedDescriptor(list) }

        /// Reads the current list.
        func text() -> [UInt8]? {
            guard lseek(file.rawValue, 0, SEEK_SET) == 0 else { return nil }
            return try? file.readAll(limit: limit)
        }
    }

    /// Opens the list, for a process that is about to lose its access to files.
    static func prepare() throws(SystemError) {
        let list = try MappingList()
        opened.withLock { $0 = list }
    }

    /// Returns this process's anonymous memory outside of the guest's, in bytes; `nil` if the kernel doesn't report it.
    ///
    /// Pages that are mapped from files belong to the page cache, which has them only once.
    static func bytes(beyond memory: GuestMemory) -> UInt64? {
        let guest = memory.regions.map { region in
            let start = unsafe UInt64(UInt(bitPattern: region.base))
            return start..<(start + region.byteCount)
        }
        return text().map { sum(of: String(decoding: $0, as: UTF8.self), except: guest) }
    }

    private static func text() -> [UInt8]? {
        let kept = opened.withLock { $0 }
        return (kept ?? (try? MappingList()))?.text()
    }

    /// Adds up the `Anonymous:` sizes of a text like `/proc/self/smaps`, in mappings that overlap none of `ranges`.
    static func sum(of text: String, except ranges: [Range<UInt64>]) -> UInt64 {
        var (total, isCounted): (UInt64, Bool) = (0, true)
        for line in text.split(separator: "\n") {
            let words = line.split(separator: " ")
            guard let first = words.first else { continue }
            if let mapping = range(first) {
                isCounted = !ranges.contains { $0.overlaps(mapping) }
            } else if isCounted, first == "Anonymous:", words.count > 1 {
                total += (UInt64(words[1]) ?? 0) << 10
            }
        }
        return total
    }

    /// Parses the first word of a mapping, such as `7f00-7f10`.
    private static func range(_ word: Substring) -> Range<UInt64>? {
        let ends = word.split(separator: "-", omittingEmptySubsequences: false)
        guard ends.count == 2, let start = UInt64(ends[0], radix: 16), let end = UInt64(ends[1], radix: 16),
            start < end
        else { return nil }
        return start..<end
    }
}
