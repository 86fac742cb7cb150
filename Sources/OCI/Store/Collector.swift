internal import Linux
internal import SystemPackage

extension Store {
    /// The result of a collection.
    public struct Collected: Sendable, Hashable {
        /// The number of blobs removed.
        public let blobs: Int
        /// The bytes freed, of blobs and of everything that can be made again.
        public let bytes: Int64
        /// The bytes in the store now, without cache mounts.
        public let left: Int64
    }

    /// The limits for data that can be made again: build steps and their layers, unpacked layers, stored headers.
    ///
    /// Images with a name are never removed, and so may exceed `bytes`.
    public struct CollectionLimits: Sendable, Hashable {
        /// The limit of the store's size in bytes, without cache mounts.
        public var bytes: Int64?
        /// The time of last use, in seconds since 1970, before which data is removed.
        public var usedSince: Int64?

        /// Makes a budget, by default without limits.
        public init(bytes: Int64? = nil, usedSince: Int64? = nil) { (self.bytes, self.usedSince) = (bytes, usedSince) }
    }

    /// Removes the data that no image and no stored build step needs.
    ///
    /// That is blobs, unpacked layers, headers of layers, and files of killed processes. Then removes data that exceeds
    /// the budget, least recently used first.
    ///
    /// Mark and sweep under the exclusive lock, so it waits for all users of the store.
    ///
    /// With `forgettingSteps`, removes all steps and unpacked layers.
    public func collect(forgettingSteps: Bool = false, budget: CollectionLimits = CollectionLimits()) throws
        -> Collected
    {
        let lock = try Lock(path.appending("thaw/lock"), .exclusive)
        try removeAbandonedWork()
        try addLeftEntries()
        var contents = try StoreContents(self)
        // A collection that doesn't see everything would remove data that it only can't see.
        if let hidden = contents.unreadable.first {
            throw SystemError("list", path.appending(hidden.components), .permissionDenied)
        }
        let before = contents.total
        contents.dropUnneeded()
        if forgettingSteps { contents.drop { _ in true } }
        if let since = budget.usedSince { contents.drop { $0.used < since } }
        if let bytes = budget.bytes { contents.shrink(to: bytes) }
        try remove(contents.dropped)
        if forgettingSteps {
            try removeUnpackedLayers()
            // Fetched repositories, servers' metadata of files, and the inputs of steps.
            for directory: FilePath in ["thaw/git", "thaw/web", "thaw/why"] { try root.removeTree(directory) }
        }
        try forgetStacks()
        try forgetOrigins()
        try lock.release()
        return Collected(
            blobs: contents.droppedBlobs, bytes: before - contents.total, left: contents.total)
    }

    private func remove(_ places: [StoreContents.Place]) throws {
        for (name, places) in Dictionary(grouping: places, by: \.directory) {
            // Only these have directories.
            guard name != "thaw/layers", name != "thaw" else {
                for place in places { try root.removeTree(FilePath(name).appending(place.name)) }
                continue
            }
            let directory = try root.directory(FilePath(name))
            for place in places { try directory.remove(entry: Array(place.name.utf8)) }
        }
    }

    /// Removes work areas of killed builds: a running build holds the lock's shared side.
    private func removeAbandonedWork() throws {
        for entry in try root.directory("thaw/layers").entries() where entry.name.starts(with: "tmp.".utf8) {
            try root.removeTree(FilePath("thaw/layers").appending(FilePath(bytes: entry.name).components))
        }
        for entry in try root.directory("thaw/ingest").entries() {
            try root.removeTree(FilePath("thaw/ingest").appending(FilePath(bytes: entry.name).components))
        }
    }

    /// Returns the contents of the store by purpose, without removing anything.
    public func usage() throws -> Usage {
        let lease = try lease()
        var usage = try StoreContents(self).usage(mounts: Usage.Share())
        do {
            usage.mounts = try mounts()
        } catch let error as SystemError where error.errno == .permissionDenied {
            usage.unreadable.append("thaw/mounts")
        }
        try lease.release()
        return usage
    }

    /// Returns the number of cache mounts and their bytes.
    private func mounts() throws -> Usage.Share {
        guard try root.exists("thaw/mounts") else { return Usage.Share() }
        let mounts = try root.directory("thaw/mounts")
        return Usage.Share(count: try mounts.entries().count, bytes: try mounts.allocatedBytes())
    }
}

extension Directory {
    /// Returns the bytes on disk of everything below, each file once however many names it has.
    func allocatedBytes() throws -> Int64 {
        var total: Int64 = 0
        var seen: Set<UInt64> = []
        var stack: [FilePath] = [""]
        while let path = stack.popLast() {
            let open = path.isEmpty ? self : try directory(path)
            for entry in try open.entries() {
                let name = FilePath(bytes: entry.name)
                let status = try open.status(of: name)
                if status.type == .directory { stack.append(path.appending(name.components)) }
                if status.linkCount < 2 || seen.insert(status.inode).inserted { total += status.allocated }
            }
        }
        return total
    }
}
