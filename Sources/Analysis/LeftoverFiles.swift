internal import ImageFiles
internal import OCI

/// Live files that programs don't need and that tools are known to leave behind.
struct LeftoverFiles {
    /// A kind of leftover.
    struct Kind {
        /// The rule's name in findings.
        let id: String
        /// The description for people.
        let what: String
        /// Directories; from the root if they begin with a slash, otherwise anywhere.
        let directories: [String]
        /// The remedy, one sentence.
        let fix: String
    }

    /// All leftovers of one kind in one layer.
    struct LeftoverGroup {
        let kind: Kind
        let layer: Int
        var count = 0
        var bytes: Int64 = 0
        /// The bytes in the layer's blob; 0 if the layers were not decompressed.
        var compressedBytes: Double = 0
        var largest: ImagePath
        var largestBytes: Int64 = 0
    }

    /// All groups, largest first.
    let groups: [LeftoverGroup]

    init(_ tree: FileTree, packed: PackedSizes? = nil) {
        var groups: [[Int]: LeftoverGroup] = [:]
        var kinds: [FileTree.NodeID: Int] = [:]
        var seen: Set<FileTree.InodeID> = []
        tree.walk { path, node in
            let entry = tree[node: node]
            let inode = tree.inodes[entry.inode]
            let inherited = kinds[entry.parent]
            if inode.kind.isDirectory {
                kinds[node] = inherited ?? Self.kind(of: path)
            } else if let kind = inherited, inode.kind.size > 0, !Self.isLicence(path),
                seen.insert(entry.inode).inserted
            {
                groups[
                    [kind, inode.layer],
                    default: LeftoverGroup(kind: Self.kinds[kind], layer: inode.layer, largest: path)
                ]
                .add(path, bytes: inode.kind.size, compressedBytes: packed?.bytes(of: inode) ?? 0)
            }
        }
        self.groups = groups.values.sorted { ($1.bytes, $0.kind.id, $0.layer) < ($0.bytes, $1.kind.id, $1.layer) }
    }

    /// True for licences, which must stay with the files that they license.
    private static func isLicence(_ path: ImagePath) -> Bool { path.name.elementsEqual("copyright".utf8) }

    private static func kind(of directory: ImagePath) -> Int? {
        candidates[Array(directory.name)]?.first { candidate in
            let wanted = candidate.path
            if candidate.isAnchored { return directory.bytes == wanted }
            return directory.bytes == wanted
                || directory.bytes.reversed().starts(with: (wanted.reversed() + [UInt8(ascii: "/")]))
        }?.kind
    }

    private struct Candidate {
        let kind: Int
        let path: [UInt8]
        let isAnchored: Bool
    }

    /// Patterns by the last name in them.
    private static let candidates: [[UInt8]: [Candidate]] = {
        var table: [[UInt8]: [Candidate]] = [:]
        for (index, kind) in kinds.enumerated() {
            for pattern in kind.directories {
                let path = Array(pattern.utf8.drop { $0 == UInt8(ascii: "/") })
                let name = Array(path.split(separator: UInt8(ascii: "/")).last ?? [])
                table[name, default: []].append(
                    Candidate(kind: index, path: path, isAnchored: pattern.hasPrefix("/")))
            }
        }
        return table
    }()
}

extension LeftoverFiles.LeftoverGroup {
    fileprivate mutating func add(_ path: ImagePath, bytes size: Int64, compressedBytes compressedSize: Double) {
        count += 1
        compressedBytes += compressedSize
        bytes &+= size
        if size > largestBytes { (largest, largestBytes) = (path, size) }
    }
}
