internal import Linux
public import SystemPackage

/// The contents of a store by purpose.
public struct Usage: Sendable, Hashable {
    /// A number of things and their bytes.
    public struct Share: Sendable, Hashable {
        /// The number.
        public var count = 0
        /// The bytes on disk.
        public var bytes: Int64 = 0
    }

    /// Names, and all blobs that they lead to.
    public var images = Share()
    /// The layers of the images.
    public var layers = Share()
    /// Stored build steps, and the blobs that only they need.
    public var steps = Share()
    /// Unpacked layers for running commands, and disks for starting images.
    public var unpacked = Share()
    /// Headers of layers, facts of their files, digests of the context's files, the inputs of steps, and the files of a failed step.
    public var indexes = Share()
    /// Blobs that nothing needs.
    public var unneeded = Share()
    /// Cache mounts.
    public var mounts = Share()
    /// Directories of the store that this user may not read; their bytes are not counted.
    public var unreadable: [FilePath] = []

    /// The bytes of everything; layers are included in the images.
    public var total: Int64 {
        [images, steps, unpacked, indexes, unneeded, mounts].reduce(0) { $0 + $1.bytes }
    }
}

/// The data in a store that a collection decides about, and its decisions.
///
/// Pure after its creation.
/// ```
/// name ─► index ─► manifest ─► blobs ◄── step          needed: the target of any arrow
///                      └─► diff IDs ─► headers, unpacked layers
/// ```
struct StoreContents {
    /// The place of data in the store: a directory and a name in it.
    struct Place: Hashable, Comparable {
        let directory: String
        let name: String

        static func < (left: Place, right: Place) -> Bool {
            (left.directory, left.name) < (right.directory, right.name)
        }
    }

    /// Data that can be made again.
    struct Item {
        let place: Place
        let bytes: Int64
        /// The time of its last use, in seconds since 1970.
        let used: Int64
        /// The layer that it keeps if it is a step; nil for other data.
        let layer: StepLayer?
    }

    /// The places to remove.
    private(set) var dropped: [Place] = []
    private(set) var droppedBlobs = 0
    /// The bytes that remain.
    private(set) var total: Int64 = 0

    private var removed: Set<Place> = []
    private var names = 0
    private var items: [Item] = []
    private var blobs: [Digest: Int64] = [:]
    private var headers: [Digest: Int64] = [:]
    private var unpacked: [Digest: Item] = [:]
    /// The disks of started images, with their stacks of layers; nil for an unfinished one.
    private var disks: [(chain: Digest?, item: Item)] = []
    /// The facts of layers' files, with their layers; nil for an unfinished one.
    private var facts: [(diffID: Digest?, item: Item)] = []
    private var imageBlobs: Set<Digest> = []
    private var imageLayers: Set<Digest> = []
    private var imageDiffIDs: Set<Digest> = []
    private var chains: Set<Digest> = []
    /// The top layer and the rest of unpacked stacks, where they are known.
    private var stacks: [Digest: (diffID: Digest, below: Digest?)] = [:]
    private var stepBlobs: [Digest: Int] = [:]
    private var stepDiffIDs: [Digest: Int] = [:]
    /// Directories that this user may not read.
    private(set) var unreadable: [FilePath] = []

    init(_ store: Store) throws {
        try readFiles(store)
        let entries = try store.index().manifests
        names = entries.count
        for facts in try SetFacts.all(of: entries, in: store).values { mark(facts) }
        total = [blobs, headers].reduce(0) { $0 + $1.values.reduce(0, +) }
        total += (items + unpacked.values + disks.map(\.item) + facts.map(\.item)).reduce(0) { $0 + $1.bytes }
    }

    /// Returns the contents by the purpose that needs them.
    func usage(mounts: Usage.Share) -> Usage {
        var usage = Usage()
        usage.mounts = mounts
        usage.unreadable = unreadable
        usage.images.count = names
        for (digest, bytes) in blobs {
            if imageBlobs.contains(digest) {
                usage.images.bytes += bytes
                if imageLayers.contains(digest) {
                    usage.layers.count += 1
                    usage.layers.bytes += bytes
                }
            } else if stepBlobs[digest] != nil {
                usage.steps.bytes += bytes
            } else {
                usage.unneeded.count += 1
                usage.unneeded.bytes += bytes
            }
        }
        for item in items {
            if item.layer == nil { usage.indexes.count += 1 } else { usage.steps.count += 1 }
            if item.layer == nil { usage.indexes.bytes += item.bytes } else { usage.steps.bytes += item.bytes }
        }
        usage.indexes.count += headers.count + facts.count
        usage.indexes.bytes += headers.values.reduce(0, +) + facts.reduce(0) { $0 + $1.item.bytes }
        usage.unpacked.count = unpacked.count + disks.count
        usage.unpacked.bytes = (unpacked.values + disks.map(\.item)).reduce(0) { $0 + $1.bytes }
        return usage
    }
}

// MARK: - Deciding

extension StoreContents {
    /// Drops the data that no image and no step needs.
    mutating func dropUnneeded() {
        for digest in blobs.keys.sorted() where !imageBlobs.contains(digest) && stepBlobs[digest] == nil {
            dropBlob(digest)
        }
        for diffID in headers.keys.sorted() where !isNeeded(layer: diffID) { dropHeader(diffID) }
        for (diffID, item) in facts where diffID.map({ !isNeeded(layer: $0) }) ?? true { drop(item) }
        let needed = neededChains()
        for (chain, item) in unpacked where !needed.contains(chain) { drop(item) }
        for (chain, item) in disks where chain.map({ !chains.contains($0) }) ?? true { drop(item) }
    }

    private func isNeeded(layer diffID: Digest) -> Bool {
        imageDiffIDs.contains(diffID) || stepDiffIDs[diffID] != nil
    }

    /// Drops the data that can be made again and for which `fits` is true.
    mutating func drop(where fits: (Item) -> Bool) {
        for item in candidates where fits(item) { drop(item) }
        dropUnneeded()
    }

    /// Drops the least recently used data until no more than `bytes` remain, or nothing can be dropped.
    mutating func shrink(to bytes: Int64) {
        for item in candidates {
            if total <= bytes { return }
            drop(item)
        }
    }

    private var candidates: [Item] {
        (items + unpacked.values + disks.map(\.item) + facts.map(\.item)).filter { !removed.contains($0.place) }.sorted
        {
            ($0.used, $0.place) < ($1.used, $1.place)
        }
    }

    private mutating func drop(_ item: Item) {
        guard removed.insert(item.place).inserted else { return }
        dropped.append(item.place)
        total -= item.bytes
        guard let (blob, diffID) = item.layer.map({ ($0.blob, $0.diffID) }) else { return }
        stepBlobs[blob, default: 1] -= 1
        if stepBlobs[blob] == 0 {
            stepBlobs[blob] = nil
            if !imageBlobs.contains(blob) { dropBlob(blob) }
        }
        stepDiffIDs[diffID, default: 1] -= 1
        if stepDiffIDs[diffID] == 0 {
            stepDiffIDs[diffID] = nil
            if !imageDiffIDs.contains(diffID) { dropHeader(diffID) }
        }
    }

    private mutating func dropBlob(_ digest: Digest) {
        guard let bytes = blobs.removeValue(forKey: digest) else { return }
        dropped.append(Place(directory: "blobs/sha256", name: digest.hex))
        droppedBlobs += 1
        total -= bytes
    }

    private mutating func dropHeader(_ diffID: Digest) {
        guard let bytes = headers.removeValue(forKey: diffID) else { return }
        dropped.append(Place(directory: "thaw/index", name: diffID.hex))
        total -= bytes
    }

    /// Returns the stacks of layers of all images, and those that stored steps may have put on top of them.
    private func neededChains() -> Set<Digest> {
        var needed = chains
        // Lower stacks first: a stack is needed if a step can have put its top layer on one that is needed or absent.
        var open = Set(unpacked.keys).subtracting(chains)
        var wasFound = true
        while wasFound {
            wasFound = false
            for chain in open {
                guard let (diffID, below) = stacks[chain], stepDiffIDs[diffID] != nil || imageDiffIDs.contains(diffID),
                    below.map({ needed.contains($0) || unpacked[$0] == nil }) ?? true
                else { continue }
                open.remove(chain)
                needed.insert(chain)
                wasFound = true
            }
        }
        open = open.filter { stacks[$0] == nil }
        // A chain ID can't be inverted, so every step is tried on every stack until all other layers are found.
        var frontier: [Digest?] = [nil] + Array(chains)
        while !open.isEmpty, let below = frontier.popLast() {
            for diffID in stepDiffIDs.keys {
                let chain = Digest.chainID(diffID, on: below)
                if open.remove(chain) != nil {
                    needed.insert(chain)
                    frontier.append(chain)
                }
            }
        }
        return needed
    }
}

// MARK: - Reading

extension StoreContents {
    private mutating func readFiles(_ store: Store) throws {
        for (digest, status) in try Self.files("blobs/sha256", store) { blobs[digest] = status.size }
        stacks = try store.knownStacks()
        for (digest, status) in try Self.files("thaw/index", store) { headers[digest] = status.allocated }
        try ifReadable("thaw/layers") { contents in
            for (digest, status) in try Self.files("thaw/layers", store) where status.type == .directory {
                let path = FilePath("thaw/layers/\(digest.hex)")
                let bytes = try store.root.directory(path).allocatedBytes() + status.allocated
                contents.unpacked[digest] = Item(
                    place: Place(directory: "thaw/layers", name: digest.hex), bytes: bytes,
                    used: status.changed.seconds, layer: nil)
            }
            try contents.readRoots(store)
        }
        try ifReadable(Store.disks) { try $0.readDisks(store) }
        try ifReadable(Store.facts) { try $0.readFacts(store) }
        for name in ["thaw/cache", "thaw/why"] where try store.root.exists(FilePath(name)) {
            let directory = try store.root.directory(FilePath(name))
            for entry in try directory.statuses() where entry.status.type == .regular {
                let layer = name == "thaw/cache" ? StepLayer(entry.name, in: directory) : nil
                add(
                    Item(
                        place: Place(directory: name, name: String(decoding: entry.name, as: UTF8.self)),
                        bytes: entry.status.allocated, used: entry.status.modified.seconds, layer: layer))
            }
        }
        if try store.root.exists("thaw/failed") {
            try ifReadable("thaw/failed") { contents in
                let bytes = try store.root.directory("thaw/failed").allocatedBytes()
                let used = try store.root.status(of: "thaw/failed").changed.seconds
                let place = Place(directory: "thaw", name: "failed")
                contents.add(Item(place: place, bytes: bytes, used: used, layer: nil))
            }
        }
    }

    private mutating func readDisks(_ store: Store) throws {
        disks = try Self.items(in: Store.disks, store).map { (Store.chain(ofDisk: $0.place.name), $0) }
    }

    private mutating func readFacts(_ store: Store) throws {
        facts = try Self.items(in: Store.facts, store).map { (Store.layer(ofFacts: $0.place.name), $0) }
    }

    /// Returns the files of a directory that were used when they were last changed.
    private static func items(in path: FilePath, _ store: Store) throws -> [Item] {
        guard try store.root.exists(path) else { return [] }
        let directory = try store.root.directory(path)
        return try directory.entries().map { entry in
            let status = try directory.status(of: FilePath(bytes: entry.name))
            let place = Place(directory: path.string, name: String(decoding: entry.name, as: UTF8.self))
            return Item(place: place, bytes: status.allocated, used: status.modified.seconds, layer: nil)
        }
    }

    /// Reads the root file systems that are kept for a step without namespaces.
    private mutating func readRoots(_ store: Store) throws {
        guard try store.root.exists("thaw/layers") else { return }
        let layers = try store.root.directory("thaw/layers")
        for entry in try layers.entries() {
            let name = String(decoding: entry.name, as: UTF8.self)
            guard name.contains(".root") else { continue }
            let bytes = try layers.directory(FilePath(name)).allocatedBytes()
            let used = try layers.status(of: FilePath(name)).changed.seconds
            add(Item(place: Place(directory: "thaw/layers", name: name), bytes: bytes, used: used, layer: nil))
        }
    }

    /// Reads a directory that only the store's owner may read; another user's inventory omits it.
    private mutating func ifReadable(_ path: FilePath, _ read: (inout StoreContents) throws -> Void) throws {
        do {
            try read(&self)
        } catch let error as SystemError where error.errno == .permissionDenied {
            unreadable.append(path)
        }
    }

    private mutating func add(_ item: Item) {
        items.append(item)
        guard let layer = item.layer else { return }
        stepBlobs[layer.blob, default: 0] += 1
        stepDiffIDs[layer.diffID, default: 0] += 1
    }

    /// Returns the entries of a directory that are named by a digest; others belong to other programs.
    private static func files(_ path: FilePath, _ store: Store) throws -> [(Digest, FileStatus)] {
        guard try store.root.exists(path) else { return [] }
        return try store.root.directory(path).statuses().compactMap { entry in
            Digest(hexBytes: entry.name).map { ($0, entry.status) }
        }
    }

    private mutating func mark(_ facts: SetFacts) {
        imageBlobs.formUnion(facts.documents)
        imageBlobs.formUnion(facts.layers)
        imageLayers.formUnion(facts.layers)
        for diffIDs in facts.diffIDs {
            var chain: Digest?
            for diffID in diffIDs {
                imageDiffIDs.insert(diffID)
                let next = Digest.chainID(diffID, on: chain)
                chains.insert(next)
                chain = next
            }
        }
    }
}
