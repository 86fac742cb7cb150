internal import Linux
internal import SystemPackage

extension Store {
    /// What a collection took away.
    public struct Collected: Sendable, Hashable {
        /// Blobs removed.
        public let blobs: Int
        /// Bytes freed, of blobs and of everything that can be made again.
        public let bytes: Int64
        /// What the store holds now, without cache mounts.
        public let left: Int64
    }

    /// How much may stay of what can be made again: build steps and their layers, unpacked layers, remembered headers.
    ///
    /// Images with a name are never touched, and so may hold more than `bytes`.
    public struct Budget: Sendable, Hashable {
        /// What the store may hold, cache mounts apart.
        public var bytes: Int64?
        /// What was not used since then goes, in seconds since 1970.
        public var usedSince: Int64?

        /// No limits.
        public init(bytes: Int64? = nil, usedSince: Int64? = nil) { (self.bytes, self.usedSince) = (bytes, usedSince) }
    }

    /// Removes what no image and no remembered build step needs: blobs, unpacked layers, headers of layers, and what
    /// killed processes left. Then what exceeds the budget goes, least recently used first.
    ///
    /// Mark and sweep under the exclusive lock, so it waits for whoever uses the store.
    ///
    /// With `forgettingSteps`, all steps and unpacked layers go.
    public func collect(forgettingSteps: Bool = false, budget: Budget = Budget()) throws -> Collected {
        let lock = try Lock(path.appending("thaw/lock"), .exclusive)
        try removeAbandonedWork()
        var inventory = try Inventory(self)
        // A collection that doesn't see everything would forget what it can't see.
        if let hidden = inventory.unreadable.first {
            throw SystemError("list", path.appending(hidden.components), .permissionDenied)
        }
        let before = inventory.total
        inventory.dropUnneeded()
        if forgettingSteps { inventory.drop { _ in true } }
        if let since = budget.usedSince { inventory.drop { $0.used < since } }
        if let bytes = budget.bytes { inventory.shrink(to: bytes) }
        for path in inventory.dropped { try root.removeTree(path) }
        if forgettingSteps {
            try removeUnpackedLayers()
            // Repositories that were fetched into, what servers said of their files, and why steps were done.
            for directory: FilePath in ["thaw/git", "thaw/web", "thaw/why"] { try root.removeTree(directory) }
        }
        try forgetOrigins()
        try lock.release()
        return Collected(
            blobs: inventory.droppedBlobs, bytes: before - inventory.total, left: inventory.total)
    }

    /// Work areas of builds that were killed: whoever lives holds the lock's shared side.
    private func removeAbandonedWork() throws {
        for entry in try root.directory("thaw/layers").entries() where entry.name.starts(with: "tmp.".utf8) {
            try root.removeTree(FilePath("thaw/layers").appending(FilePath(bytes: entry.name).components))
        }
        for entry in try root.directory("thaw/ingest").entries() {
            try root.removeTree(FilePath("thaw/ingest").appending(FilePath(bytes: entry.name).components))
        }
    }

    /// What the store holds, without taking anything away.
    public func usage() throws -> Usage {
        let lease = try lease()
        var usage = try Inventory(self).usage(mounts: Usage.Share())
        do {
            usage.mounts = try mounts()
        } catch let error as SystemError where error.errno == .permissionDenied {
            usage.unreadable.append("thaw/mounts")
        }
        try lease.release()
        return usage
    }

    /// The cache mounts: how many, and their bytes.
    private func mounts() throws -> Usage.Share {
        guard try root.exists("thaw/mounts") else { return Usage.Share() }
        let mounts = try root.directory("thaw/mounts")
        return Usage.Share(count: try mounts.entries().count, bytes: try mounts.allocatedBytes())
    }
}

extension Directory {
    /// What everything below takes on disk, each file once however many names it has.
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
