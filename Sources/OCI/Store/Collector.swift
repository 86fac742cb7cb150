internal import Linux
internal import SystemPackage

extension Store {
    /// What a collection took away.
    public struct Collected: Sendable, Hashable {
        /// Blobs removed.
        public let blobs: Int
        /// Their bytes.
        public let bytes: Int64
    }

    /// Removes every blob that no image and no remembered build step needs, and what killed processes left.
    ///
    /// Mark and sweep under the exclusive lock, so it waits for whoever uses the store. Marks come from the index,
    /// through indexes and manifests, and from `thaw/cache`.
    ///
    /// With `forgettingSteps`, remembered steps and unpacked layers go too.
    public func collect(forgettingSteps: Bool = false) throws -> Collected {
        let lock = try Lock(path.appending("thaw/lock"), .exclusive)
        if forgettingSteps {
            for directory: FilePath in ["thaw/cache", "thaw/index"] {
                try root.removeTree(directory)
                try root.makeDirectories(directory)
            }
            // Repositories that were fetched into, and what servers said of their files.
            for directory: FilePath in ["thaw/git", "thaw/web"] { try root.removeTree(directory) }
            try removeUnpackedLayers()
        }
        try removeAbandonedWork()
        var live = Set(try cachedSteps().map(\.layer.descriptor.digest))
        for entry in try index().manifests { try mark(entry, &live) }
        for entry in try root.directory("thaw/ingest").entries() {
            try root.remove(FilePath("thaw/ingest").appending(FilePath(bytes: entry.name).components))
        }
        var blobs = 0
        var bytes: Int64 = 0
        for entry in try root.directory("blobs/sha256").entries() {
            let hex = String(decoding: entry.name, as: UTF8.self)
            guard let digest = try? Digest("sha256:\(hex)"), !live.contains(digest) else { continue }
            bytes += try root.status(of: Self.path(of: digest)).size
            try root.remove(Self.path(of: digest))
            blobs += 1
        }
        try lock.release()
        return Collected(blobs: blobs, bytes: bytes)
    }

    /// Work areas of builds that were killed: whoever lives holds the lock's shared side.
    private func removeAbandonedWork() throws {
        for entry in try root.directory("thaw/layers").entries() where entry.name.starts(with: "tmp.".utf8) {
            try root.removeTree(FilePath("thaw/layers").appending(FilePath(bytes: entry.name).components))
        }
    }

    private func mark(_ descriptor: Descriptor, _ live: inout Set<Digest>) throws {
        guard live.insert(descriptor.digest).inserted, try has(descriptor) else { return }
        if descriptor.mediaType.isIndex {
            for entry in try Index(parsing: read(descriptor), what: "index \(descriptor.digest)").manifests {
                try mark(entry, &live)
            }
        } else if descriptor.mediaType.isManifest {
            let manifest = try Manifest(parsing: read(descriptor), digest: descriptor.digest)
            live.formUnion([manifest.config.digest] + manifest.layers.map(\.digest))
        }
    }
}
