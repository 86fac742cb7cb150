internal import Linux
internal import OCI
internal import Synchronization
internal import SystemPackage

/// What the context's files hashed to last time, so that an unchanged file costs a look and not a read.
///
/// A file is unchanged when its inode, size, change time and modification time are. One that changed in the second
/// before it was hashed is not remembered: it may change again without a new time.
final class ContextHashes: Sendable {
    private struct Entry {
        let stamp: String
        let digest: Digest
    }

    private let store: Store
    private let path: FilePath
    private let now: Int64
    private let entries: Mutex<(known: [ImagePath: Entry], used: [ImagePath: Entry], isChanged: Bool)>

    /// The hashes remembered for the context at `context`.
    init(_ store: Store, context: FilePath, now: Int64) throws {
        self.store = store
        self.now = now
        path = FilePath("thaw/cache/context-\(Digest(of: context.bytes).hex)")
        var known: [ImagePath: Entry] = [:]
        if let bytes = try? store.root.contents(of: path, limit: 1 << 30) {
            for line in bytes.split(separator: 0) { Self.read(line, into: &known) }
        }
        entries = Mutex((known, [:], false))
    }

    /// A file's digest: the remembered one, or what `hash` gives.
    func digest(of path: ImagePath, _ status: FileStatus, _ hash: () throws -> Digest) throws -> Digest {
        let stamp = Self.stamp(status)
        if let entry = entries.withLock({ $0.used[path] ?? $0.known[path] }), entry.stamp == stamp {
            entries.withLock { $0.used[path] = entry }
            return entry.digest
        }
        let digest = try hash()
        if status.changed.seconds < now - 1 {
            entries.withLock {
                $0.used[path] = Entry(stamp: stamp, digest: digest)
                $0.isChanged = true
            }
        }
        return digest
    }

    /// Writes down what was used this time.
    func save() throws {
        let used = entries.withLock { state in state.isChanged ? state.known.merging(state.used) { $1 } : nil }
        guard let used else { return }
        var bytes: [UInt8] = []
        for (path, entry) in used.sorted(by: { $0.key < $1.key }) {
            bytes += Array("\(entry.digest.hex) \(entry.stamp) ".utf8) + path.bytes + [0]
        }
        try store.root.replace(path, with: bytes)
    }

    private static func stamp(_ status: FileStatus) -> String {
        let (modified, changed) = (status.modified, status.changed)
        return
            "\(status.inode):\(status.size):\(modified.seconds).\(modified.nanoseconds):\(changed.seconds).\(changed.nanoseconds)"
    }

    /// `HEX STAMP PATH`.
    private static func read(_ line: ArraySlice<UInt8>, into known: inout [ImagePath: Entry]) {
        let parts = line.split(separator: UInt8(ascii: " "), maxSplits: 2)
        guard parts.count == 3, let digest = try? Digest("sha256:" + String(decoding: parts[0], as: UTF8.self)),
            let path = try? ImagePath(entry: parts[2])
        else { return }
        known[path] = Entry(stamp: String(decoding: parts[1], as: UTF8.self), digest: digest)
    }
}
