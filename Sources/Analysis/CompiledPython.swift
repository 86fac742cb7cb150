internal import Linux
internal import OCI

/// The compiled forms of an image's Python modules.
///
/// A module without one is compiled at every start, or at every start of a fresh container. Measured, that makes
/// imports 3 to 7 times slower. A compiled form is valid by the header that `importlib` checks (PEP 3147, PEP 552):
/// ```
/// 0      4       8               12            16
/// +------+-------+---------------+-------------+
/// | magic| flags | source mtime  | source size |   flags 0; with bit 0 there is a hash here, which is not checked
/// +------+-------+---------------+-------------+   without bit 1
/// ```
struct CompiledPython {
    /// The problems of all modules' compiled forms.
    struct Problems: Equatable {
        /// Modules that have none.
        var missing: [ImagePath] = []
        /// Compiled forms whose header doesn't match their source.
        var stale: [ImagePath] = []
        /// Compiled forms without a source; Python ignores them.
        var orphaned: [ImagePath] = []
        /// The bytes of stale and orphaned forms.
        var uselessBytes: Int64 = 0
    }

    /// The length of the header in bytes.
    static let headerSize = 16

    private let tree: FileTree
    private let arguments: Set<String>
    private var problems = Problems()
    private var compiled: Set<FileTree.InodeID> = []

    init(_ tree: FileTree, arguments: [String]) {
        self.tree = tree
        self.arguments = Set(arguments.map { String($0.split(separator: "/").last ?? "") })
    }

    /// True if a file is a compiled form that Python would look for.
    static func concerns(_ path: ImagePath) -> Bool {
        path.bytes.hasSuffix(".pyc") && path.parent.name.elementsEqual("__pycache__".utf8)
    }

    /// Adds a compiled form by its first bytes.
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

    /// Returns the problems after all compiled forms were read.
    ///
    /// Programs that are executed and not imported need no compiled form.
    func problems(_ liveFiles: LiveFiles) -> Problems {
        var result = problems
        let staleSources = Set(result.stale.map(Self.source))
        for id in liveFiles.files {
            guard let path = liveFiles.path(of: id), path.bytes.hasSuffix(".py"), tree.inodes[id].kind.size > 0,
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
