internal import Glibc
internal import Linux
internal import SystemPackage

// The names of images: entries of `index.json`, which is replaced as a whole. Several processes that publish at once
// share one replacement: a process that finds the lock taken leaves its entries in a file, and the process that gets the
// lock adds all of them.
//
// ```
// thaw/index.lock              held while index.json is replaced
// thaw/names/TIME.RANDOM       [descriptor, ...]: entries of a process that waits for the lock, the oldest first
// ```
// A file that a killed process left is added by the next one: its blobs are complete.

extension Store {
    static let referenceKey = "org.opencontainers.image.ref.name"
    private static let waiting: FilePath = "thaw/names"

    /// Adds these entries to the index, in place of entries with the same names.
    func add(_ entries: [Descriptor]) throws {
        if let lock = try Lock.attempt(path.appending("thaw/index.lock"), .exclusive) {
            try replaceIndex(adding: entries)
            return try lock.release()
        }
        let start = ContinuousClock.now
        defer { DebugLog.event("publish.wait", [("ms", (ContinuousClock.now - start).millisecondsText)]) }
        let name = try leave(entries)
        do {
            // Shared: all whose entries were added go on at once.
            let end = try Lock(path.appending("thaw/index.lock"), .shared)
            let isWaiting = try root.exists(name)
            try end.release()
            if isWaiting {
                let lock = try Lock(path.appending("thaw/index.lock"), .exclusive)
                if try root.exists(name) { try replaceIndex() }
                try lock.release()
            }
        } catch {
            try? root.remove(name)
            throw error
        }
    }

    /// Removes the entries with a name, and returns their number.
    func removeEntries(named name: String) throws -> Int {
        let lock = try Lock(path.appending("thaw/index.lock"), .exclusive)
        try addWaitingEntries()
        let count = try editIndex(removing: [name], adding: [])
        try lock.release()
        return count
    }

    /// Adds the entries that a killed process left, so that a collection keeps their blobs.
    func addLeftEntries() throws {
        guard try root.exists(Self.waiting) else { return }
        let lock = try Lock(path.appending("thaw/index.lock"), .exclusive)
        try addWaitingEntries()
        try lock.release()
    }

    private func leave(_ entries: [Descriptor]) throws -> FilePath {
        try root.makeDirectories(Self.waiting)
        var time = timespec()
        unsafe clock_gettime(CLOCK_REALTIME, &time)
        let digits = String(UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec))
        let stamp = String(repeating: "0", count: 20 - digits.count) + digits
        let name = Self.waiting.appending("\(stamp).\(UInt32.random(in: 0 ... .max))")
        try root.replace(name, with: JSON.array(entries.map(\.json)).bytes, isSynced: false)
        return name
    }

    /// Adds all waiting entries for a caller that has the lock.
    private func addWaitingEntries() throws {
        if try root.exists(Self.waiting) { try replaceIndex() }
    }

    /// Adds the waiting entries, then `own`, for a caller that has the lock.
    private func replaceIndex(adding own: [Descriptor] = []) throws {
        var entries: [Descriptor] = []
        var files: [[UInt8]] = []
        let directory = try root.exists(Self.waiting) ? root.directory(Self.waiting) : nil
        // Hidden files are still being written.
        for entry in try directory?.entries() ?? [] where entry.name.first != UInt8(ascii: ".") {
            files.append(entry.name)
        }
        files.sort { $0.lexicographicallyPrecedes($1) }
        for file in files {
            // After a crash of the machine it may be empty.
            guard let bytes = try? directory?.contents(ofEntry: file, limit: 16 << 20),
                let list = try? JSON(parsing: bytes).array
            else { continue }
            entries += list.compactMap { try? Descriptor($0, what: "name") }
        }
        // The last of equal names counts.
        var last: [String: Int] = [:]
        let all = entries + own
        for (index, entry) in all.enumerated() { last[entry[annotation: Self.referenceKey] ?? ""] = index }
        let kept = all.enumerated().filter { last[$1[annotation: Self.referenceKey] ?? ""] == $0 }.map(\.element)
        if !kept.isEmpty {
            _ = try editIndex(removing: kept.compactMap { $0[annotation: Self.referenceKey] }, adding: kept)
        }
        for file in files { try directory?.remove(entry: file) }
    }

    /// Replaces `index.json`, and returns the number of removed entries.
    private func editIndex(removing names: [String], adding entries: [Descriptor]) throws -> Int {
        let old = Set(names)
        func isOld(_ entry: Descriptor) -> Bool { entry[annotation: Self.referenceKey].map(old.contains) ?? false }
        let bytes = try indexBytes()
        if let text = IndexText(bytes) {
            let (new, count) = try text.replacing(names, with: entries, where: isOld)
            if new != bytes { try root.replace("index.json", with: new) }
            return count
        }
        var index = try Index(parsing: bytes, what: "\(path)/index.json")
        let kept = index.manifests.filter { !isOld($0) }
        let count = index.manifests.count - kept.count
        index.manifests = kept + entries
        try root.replace("index.json", with: index.bytes)
        return count
    }
}
