internal import Glibc
internal import Linux
internal import OCI
internal import SystemPackage

/// What of a directory counts as context.
struct ContextRules: Sendable {
    /// Whether a path, relative to the context, is left out.
    var isIgnored: @Sendable (ImagePath) -> Bool = { _ in false }
    /// Whether nothing below an ignored directory can be wanted again.
    var mayPrune: @Sendable (ImagePath) -> Bool = { _ in true }
}

/// One walk over a directory: every path that counts with what the kernel says of it, nothing opened and nothing
/// followed.
///
/// Sorted by path, so that whatever is below a directory directly follows it. Ignored directories with something in them
/// that counts are there too.
struct ContextSweep: Sendable {
    struct Entry: Sendable {
        let path: ImagePath
        let status: FileStatus
    }

    private(set) var entries: [Entry] = []
    let directory: Directory
    /// When the walk began, in seconds.
    private let begin: Int64

    init(_ directory: Directory, _ rules: ContextRules = ContextRules(), begin: Int64 = Int64(time(nil))) throws {
        self.directory = directory
        self.begin = begin
        var waiting = try Self.below(.root, in: directory)
        // Ignored directories on the way to where the walk is, which count if something below does.
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

    /// What a directory holds, last name first. It is opened once, and what is in it looked at from there.
    private static func below(_ path: ImagePath, in root: Directory) throws -> [Entry] {
        try reading(path) {
            let open = path.isRoot ? root : try root.directory(FilePath(path))
            return try open.statuses().reversed().map { Entry(path: path.appending($0.name), status: $0.status) }
        }
    }

    /// What tells whether a file is the one that it was: everything but directories' times, which say less than what is
    /// in them.
    ///
    /// Nil while a file is so young that it may change again without a new time.
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

    /// The bytes that are hashed, in pieces of some size.
    private struct Stamps {
        private var hasher = Digest.Hasher()
        private var bytes: [UInt8] = []

        mutating func add(_ value: UInt64) {
            for shift in stride(from: UInt64(0), to: 64, by: 8) {
                bytes.append(UInt8(truncatingIfNeeded: value >> shift))
            }
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

    /// The entries that a source can read: the path itself, what is below, and what is on the way. All of them for a
    /// pattern or where a link leads elsewhere.
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
    /// The first index whose element has a property that all after it have too.
    fileprivate func partitioningIndex(where hasProperty: (Element) -> Bool) -> Int {
        var (low, high) = (startIndex, endIndex)
        while low < high {
            let middle = low + (high - low) / 2
            if hasProperty(self[middle]) { high = middle } else { low = middle + 1 }
        }
        return low
    }
}
