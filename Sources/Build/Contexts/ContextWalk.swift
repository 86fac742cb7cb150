internal import Glibc
internal import Linux
internal import OCI
internal import SystemPackage

/// The rules that select a context's files.
struct ContextRules: Sendable {
    /// True if a path, relative to the context, is ignored.
    var isIgnored: @Sendable (ImagePath) -> Bool = { _ in false }
    /// True if no rule can include a path below an ignored directory again.
    var mayPrune: @Sendable (ImagePath) -> Bool = { _ in true }
}

/// One walk over a directory: the status of every included path, without opening files or following links.
///
/// Sorted by path, so that a directory's content directly follows it. Ignored directories with included content are
/// listed too.
struct ContextWalk: Sendable {
    struct Entry: Sendable {
        let path: ImagePath
        let status: FileStatus
    }

    private(set) var entries: [Entry] = []
    let directory: Directory
    /// The start of the walk, in seconds since 1970.
    private let begin: Int64

    init(_ directory: Directory, _ rules: ContextRules = ContextRules(), begin: Int64 = Int64(time(nil))) throws {
        self.directory = directory
        self.begin = begin
        var waiting = try Self.below(.root, in: directory)
        // Ignored directories above the current path; they are included if something below them is.
        var ignored: [Entry] = []
        while let entry = waiting.popLast() {
            let isDirectory = entry.status.type == .directory
            while let last = ignored.last, !entry.path.isWithin(last.path) { ignored.removeLast() }
            if rules.isIgnored(entry.path) {
                guard isDirectory, !rules.mayPrune(entry.path) else { continue }
                ignored.append(entry)
            } else {
                entries += ignored
                ignored.removeAll()
                entries.append(entry)
            }
            if isDirectory { waiting += try Self.below(entry.path, in: directory) }
        }
    }

    /// Returns a directory's content, the last name first, after opening the directory once.
    private static func below(_ path: ImagePath, in root: Directory) throws -> [Entry] {
        try reading(path) {
            let open = path.isRoot ? root : try root.directory(FilePath(path))
            return try open.statuses().reversed().map { Entry(path: path.appending($0.name), status: $0.status) }
        }
    }

    /// Returns a digest of the files' metadata, without times of directories, whose content is more exact.
    ///
    /// Nil if a file is so new that it may change again without a new time.
    func stamp(of sources: [String]) throws -> Digest? {
        var stamps = Stamps()
        for source in sources {
            for range in ranges(of: source) {
                stamps.add(UInt64(range.count))
                for entry in entries[range] {
                    if entry.status.type != .directory, entry.status.changed.seconds >= begin - 1 { return nil }
                    stamps.add(entry)
                    if entry.status.type == .directory {
                        stamps.add(try reading(entry.path) { try directory.layerAttributes(of: FilePath(entry.path)) })
                    }
                }
            }
        }
        return stamps.digest
    }

    /// Collects the bytes to hash in larger pieces.
    private struct Stamps {
        private var hasher = Digest.Hasher()
        private var bytes: [UInt8] = []

        mutating func add(_ value: UInt64) {
            bytes.append(littleEndian: value)
        }

        mutating func add(_ entry: Entry) {
            if bytes.count > 1 << 16 { flush() }
            let status = entry.status
            add(UInt64(entry.path.bytes.count))
            bytes += entry.path.bytes
            add(UInt64(status.type.bits | status.mode))
            guard status.type != .directory else { return }
            for number in [status.device, status.inode, status.linkCount] { add(number) }
            for time in [status.modified, status.changed] {
                add(UInt64(bitPattern: time.seconds))
                add(UInt64(bitPattern: time.nanoseconds))
            }
            add(UInt64(bitPattern: status.size))
        }

        mutating func add(_ attributes: [String: [UInt8]]) {
            add(UInt64(attributes.count))
            for (name, value) in attributes.sorted(by: { $0.key < $1.key }) {
                for field in [Array(name.utf8), value] {
                    add(UInt64(field.count))
                    bytes += field
                }
            }
        }

        private mutating func flush() {
            hasher.update(bytes)
            bytes.removeAll(keepingCapacity: true)
        }

        var digest: Digest {
            var copy = self
            copy.flush()
            return copy.hasher.finalize()
        }
    }

    /// Returns the ranges of entries that a source can read: the path itself, its content, and its parents.
    ///
    /// For a pattern, or if a link is on the path, the range is all entries.
    private func ranges(of source: String) -> [Range<Int>] {
        guard !source.contains(where: { "*?[\\".contains($0) }), let path = try? CopyPlan.absolute(source, in: "/"),
            !path.isRoot
        else { return [entries.indices] }
        var ranges: [Range<Int>] = []
        var prefix = ImagePath.root
        for name in path.components {
            prefix = prefix.appending(name)
            guard let index = index(of: prefix), entries[index].status.type != .symbolicLink else {
                return [entries.indices]
            }
            ranges.append(index..<index + 1)
        }
        let start = ranges.removeLast().lowerBound
        let end = entries[start...].partitioningIndex { !$0.path.isWithin(path) }
        return ranges + [start..<end]
    }

    private func index(of path: ImagePath) -> Int? {
        let index = entries[...].partitioningIndex { $0.path >= path }
        return index < entries.count && entries[index].path == path ? index : nil
    }
}

extension ArraySlice {
    /// Returns the first index from which on all elements have a property.
    fileprivate func partitioningIndex(where hasProperty: (Element) -> Bool) -> Int {
        var (low, high) = (startIndex, endIndex)
        while low < high {
            let middle = low + (high - low) / 2
            if hasProperty(self[middle]) { high = middle } else { low = middle + 1 }
        }
        return low
    }
}
