internal import ImageFiles
public import OCI

/// The bytes below a directory.
public struct DirectorySize: Sendable, Equatable {
    /// The path of the directory.
    public let path: ImagePath
    /// The number of visible files below it, at any depth.
    public internal(set) var files = 0
    /// The bytes of the visible files.
    public internal(set) var bytes: Int64 = 0
    /// The bytes of files that later layers hide.
    public internal(set) var hiddenBytes: Int64 = 0
    /// The layers that ship the files, ascending.
    public internal(set) var layers: [Int] = []
}

/// The sums of files by directory.
struct DirectorySizes {
    /// The sums of the files directly in each directory.
    private var own: [ImagePath: DirectorySize] = [:]

    /// Sums up the rows of a list.
    init(_ rows: some Sequence<FileList.FileRow>) {
        for row in rows { add(row.path, bytes: row.bytes, layer: row.layer, isHidden: row.removal != nil) }
    }

    /// Sums up the visible files of a tree.
    init(in tree: FileTree, _ liveFiles: LiveFiles) {
        for id in liveFiles.files {
            guard let path = liveFiles.path(of: id) else { continue }
            add(path, bytes: tree.inodes[id].kind.size, layer: tree.inodes[id].layer)
        }
    }

    private mutating func add(_ path: ImagePath, bytes: Int64, layer: Int, isHidden: Bool = false) {
        let directory = path.parent
        own[directory, default: DirectorySize(path: directory)].add(bytes, layer: layer, isHidden: isHidden)
    }

    /// Returns all directories with files below, at most `depth` names below the root, which has the depth 0.
    func all(depth: Int = .max) -> [DirectorySize] {
        var sums: [ImagePath: DirectorySize] = [:]
        for (path, part) in own {
            let names = path.components
            var directory = ImagePath.root
            sums[directory, default: DirectorySize(path: directory)].add(part)
            for name in names.prefix(depth) {
                directory = directory.appending(name)
                sums[directory, default: DirectorySize(path: directory)].add(part)
            }
        }
        return Array(sums.values)
    }

    /// Returns the directories that tell most about the place of the bytes, the largest first, at most `count`.
    ///
    /// A directory with nearly all its bytes in one directory below is left out: the one below says more.
    func largest(_ count: Int) -> [DirectorySize] {
        let all = all()
        var largestBelow: [ImagePath: Int64] = [:]
        for directory in all where !directory.path.isRoot {
            let parent = directory.path.parent
            largestBelow[parent] = max(largestBelow[parent] ?? 0, directory.bytes)
        }
        let telling = all.filter { directory in
            let below = largestBelow[directory.path] ?? 0
            return !directory.path.isRoot && directory.bytes > 0 && directory.bytes - below > directory.bytes / 5
        }
        return Array(telling.sorted { ($1.bytes, $0.path) < ($0.bytes, $1.path) }.prefix(count))
    }
}

extension DirectorySize {
    fileprivate mutating func add(_ bytes: Int64, layer: Int, isHidden: Bool) {
        if isHidden {
            hiddenBytes &+= bytes
        } else {
            files += 1
            self.bytes &+= bytes
        }
        add(layer)
    }

    fileprivate mutating func add(_ other: DirectorySize) {
        files += other.files
        bytes &+= other.bytes
        hiddenBytes &+= other.hiddenBytes
        other.layers.forEach { add($0) }
    }

    private mutating func add(_ layer: Int) {
        guard let place = layers.firstIndex(where: { $0 >= layer }) else { return layers.append(layer) }
        if layers[place] != layer { layers.insert(layer, at: place) }
    }
}
