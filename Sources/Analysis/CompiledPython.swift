internal import ImageFiles
internal import OCI

/// The compiled forms of an image's Python modules.
///
/// A module without one is compiled at every start, or at every start of a fresh container. Measured, that makes
/// imports 3 to 7 times slower.
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

    private let tree: FileTree
    private let arguments: Set<String>
    private var problems = Problems()
    private var compiled: Set<FileTree.InodeID> = []

    init(_ files: ImageFiles, _ liveFiles: LiveFiles) {
        tree = files.tree
        arguments = Set(files.image.config.arguments.map { String($0.split(separator: "/").last ?? "") })
        for (id, header) in files.bytecode where tree.inodes[id].kind.size > 0 {
            if let path = liveFiles.path(of: id) { read(header, of: tree.inodes[id], at: path) }
        }
    }

    /// Adds a compiled form by its first bytes.
    private mutating func read(_ header: [UInt8], of inode: FileTree.Inode, at path: ImagePath) {
        guard let source = PythonBytecode.source(of: path), let node = tree.resolve(source)?.node else {
            problems.orphaned.append(path)
            problems.uselessBytes &+= inode.kind.size
            return
        }
        if PythonBytecode.isFresh(header, tree.inode(of: node)) {
            compiled.insert(tree[node: node].inode)
        } else {
            problems.stale.append(path)
            problems.uselessBytes &+= inode.kind.size
        }
    }

    /// Returns the problems after all compiled forms were read.
    ///
    /// Programs that are executed and not imported need no compiled form.
    func problems(_ liveFiles: LiveFiles) -> Problems {
        var result = problems
        guard hasInterpreter(liveFiles) else {
            // Python programs of other tools, such as node-gyp, which no interpreter imports.
            result.orphaned.sort()
            result.stale.sort()
            return result
        }
        let staleSources = Set(result.stale.compactMap { PythonBytecode.source(of: $0) })
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

    /// True if the image has a program `python`, `python3.12` or `pypy3` in a directory of programs.
    private func hasInterpreter(_ liveFiles: LiveFiles) -> Bool {
        liveFiles.files.contains { id in
            guard tree.inodes[id].metadata.mode & 0o111 != 0, let path = liveFiles.path(of: id) else { return false }
            let name = path.name
            return path.parent.name.elementsEqual("bin".utf8)
                && (name.starts(with: "python".utf8) || name.starts(with: "pypy".utf8))
        }
    }

    private func isImported(_ path: ImagePath) -> Bool {
        guard !arguments.contains(path.name.text) else { return false }
        let components = path.components
        // npm ships node-gyp, whose Python runs only while a module is compiled.
        if components.contains(where: { $0.elementsEqual("node_modules".utf8) }) { return false }
        let isProgram = components.dropLast().contains { $0.elementsEqual("bin".utf8) || $0.elementsEqual("sbin".utf8) }
        return !isProgram && !path.bytes.hasPrefix("usr/share/")
    }
}
