internal import Linux
internal import OCI

/// How far the Python modules of an image have usable compiled forms.
///
/// A module without one is compiled at every start, or at every start of a fresh container: measured, that makes
/// imports 3 to 7 times slower. A compiled form counts by the header that `importlib` checks (PEP 3147, PEP 552):
/// ```
/// 0      4       8               12            16
/// +------+-------+---------------+-------------+
/// | magic| flags | source mtime  | source size |   flags 0; with bit 0 a hash stands here, and is not checked
/// +------+-------+---------------+-------------+   without bit 1
/// ```
struct CompiledPython {
    /// A module's compiled forms taken together.
    struct Problems: Equatable {
        /// Modules that have none.
        var missing: [ImagePath] = []
        /// Compiled forms whose header doesn't fit their source.
        var stale: [ImagePath] = []
        /// Compiled forms whose source is gone; Python ignores them.
        var orphaned: [ImagePath] = []
        /// Bytes of what is stale or orphaned.
        var uselessBytes: Int64 = 0
    }

    /// The length of the header.
    static let headerSize = 16

    private let tree: FileTree
    private let arguments: Set<String>
    private var problems = Problems()
    private var compiled: Set<FileTree.InodeID> = []

    init(_ tree: FileTree, arguments: [String]) {
        self.tree = tree
        self.arguments = Set(arguments.map { String($0.split(separator: "/").last ?? "") })
    }

    /// Whether a file is a compiled form that Python would look for.
    static func concerns(_ path: ImagePath) -> Bool {
        path.bytes.hasSuffix(".pyc") && path.parent.name.elementsEqual("__pycache__".utf8)
    }

    /// Takes in a compiled form by its first bytes.
    mutating func read(header: [UInt8], of inode: FileTree.Inode, at path: ImagePath) {
        let stem = path.name.prefix { $0 != UInt8(ascii: ".") }
        let directory = path.parent.parent
        guard let node = tree.resolve(directory.appending(stem + Array(".py".utf8)))?.node, !stem.isEmpty else {
            problems.orphaned.append(path)
            problems.uselessBytes &+= inode.kind.size
            return
        }
        let source = tree.inode(of: node)
        if Self.isFresh(header, source) {
            compiled.insert(tree[node: node].inode)
        } else {
            problems.stale.append(path)
            problems.uselessBytes &+= inode.kind.size
        }
    }

    private static func isFresh(_ header: [UInt8], _ source: FileTree.Inode) -> Bool {
        guard header.count == headerSize else { return false }
        let flags = word(header, at: 4)
        if flags & 1 == 1 { return true }
        return word(header, at: 8) == UInt32(truncatingIfNeeded: source.metadata.mtime.seconds)
            && word(header, at: 12) == UInt32(truncatingIfNeeded: source.kind.size)
    }

    private static func word(_ bytes: [UInt8], at offset: Int) -> UInt32 {
        (0..<4).reduce(0) { $0 | UInt32(bytes[offset + $1]) << (8 * UInt32($1)) }
    }

    /// What is wrong, once all compiled forms were read. Programs that are run and not imported need no compiled form.
    func problems(_ living: Living) -> Problems {
        var result = problems
        let staleSources = Set(result.stale.map(Self.source))
        for id in living.files {
            guard let path = living.path(of: id), path.bytes.hasSuffix(".py"), tree.inodes[id].kind.size > 0,
                !compiled.contains(id), !staleSources.contains(path), isImported(path)
            else { continue }
            result.missing.append(path)
        }
        result.stale.sort()
        result.orphaned.sort()
        return result
    }

    private static func source(of compiled: ImagePath) -> ImagePath {
        let stem = compiled.name.prefix { $0 != UInt8(ascii: ".") }
        return compiled.parent.parent.appending(stem + Array(".py".utf8))
    }

    private func isImported(_ path: ImagePath) -> Bool {
        guard !arguments.contains(path.name.text) else { return false }
        let components = path.components
        let isProgram = components.dropLast().contains { $0.elementsEqual("bin".utf8) || $0.elementsEqual("sbin".utf8) }
        return !isProgram && !path.bytes.hasPrefix("usr/share/")
    }
}
