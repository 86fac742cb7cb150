internal import ImageFiles
internal import Linux
internal import OCI

/// Adds the compiled forms of the Python modules that the start imports.
///
/// The image's own interpreter compiles them. Their header has the source's hash, which the interpreter doesn't check
/// (PEP 552), so that no change of times makes them stale.
struct PythonBytecodeCure: Cure {
    let name = "python-bytecode"
    let summary = "compile the Python modules that the start imports from source"

    func proposal(for subject: CureSubject) async throws -> CureProposal? {
        let files = subject.files
        let sources = self.sources(subject)
        guard !sources.isEmpty, let interpreter = interpreter(of: files), !isOptimized(files.image.config) else {
            return nil
        }
        let list = sources.keys.map(\.description).sorted()
        let output = try await subject.run(
            CureCommand(
                arguments: [interpreter, "-s", "-S", "-B", "-c", Self.script],
                environment: ["PYTHONHASHSEED=0", "PATH=/usr/local/bin:/usr/bin:/bin"],
                input: Array(list.joined(separator: "\0").utf8)))
        let added = CompiledModules(output, tree: files.tree, sources: sources).entries
        guard !added.isEmpty else { return nil }
        var edit = ImageEdit()
        edit.added = added
        let count = added.count { $0.entry.size > 0 }
        return CureProposal(
            reason: "the start compiles \(count == 1 ? "1 module" : "\(count) modules") each time",
            prediction: "imports that are 3 to 5 times faster", goal: .work, edit: edit)
    }

    /// Compiles the files of the list, and writes for each: the sizes of both, the source's path, the compiled form.
    private static let script = """
        import sys, importlib.util, importlib._bootstrap_external as b
        out = sys.stdout.buffer
        for name in open('\(CureCommand.inputPath)', 'rb').read().split(b'\\0'):
            try:
                path = name.decode()
                source = open(path, 'rb').read()
                code = b.SourceFileLoader('m', path).source_to_code(source, path)
                data = b._code_to_hash_pyc(code, importlib.util.source_hash(source), False)
                target = importlib.util.cache_from_source(path).encode()
            except Exception:
                continue
            for part in (target, bytes(data)):
                out.write(len(part).to_bytes(4, 'little') + part)
        """

    /// Returns the sources that the start opened, by their paths; the program's own file is never read compiled.
    private func sources(_ subject: CureSubject) -> [ImagePath: FileTree.NodeID] {
        let tree = subject.files.tree
        let own = Set(
            subject.files.image.config.arguments.compactMap { argument in
                tree.follow(argument.utf8, from: subject.files.workingNode)?.node
            })
        var found: [ImagePath: FileTree.NodeID] = [:]
        for name in subject.openedFiles where name.hasSuffix(".py") {
            guard let node = tree.follow(name, from: FileTree.rootNode)?.node, tree.inode(of: node).kind.isFile,
                !own.contains(node)
            else { continue }
            found[tree.path(of: node)] = node
        }
        return found
    }

    private func interpreter(of files: ImageFiles) -> String? {
        files.elf.filter { $0.value.interpreter != nil && !$0.value.symbols.isDisjoint(with: [.python, .pythonOld]) }
            .map { files.tree.inodes[$0.key].path.description }.min()
    }

    /// True if the program's modules have another compiled form.
    private func isOptimized(_ config: ImageConfig) -> Bool {
        config.environmentValue("PYTHONOPTIMIZE") != nil || config.environmentValue("PYTHONPYCACHEPREFIX") != nil
            || config.arguments.contains { $0 == "-O" || $0 == "-OO" }
    }
}

/// The compiled forms in the output of the interpreter, which is as hostile as the image.
private struct CompiledModules {
    private(set) var entries: [(entry: LayerEntry, content: [UInt8])] = []

    init(_ output: [UInt8], tree: FileTree, sources: [ImagePath: FileTree.NodeID]) {
        var rest = output[...]
        var directories = Set<ImagePath>()
        while let name = Self.part(&rest), let content = Self.part(&rest) {
            guard let path = try? ImagePath(name.text), let source = PythonBytecode.source(of: path),
                let node = sources[source], content.count > PythonBytecode.headerSize
            else { continue }
            let metadata = tree.inode(of: node).metadata
            if tree.node(at: path.parent) == nil, directories.insert(path.parent).inserted {
                let above = tree.inode(of: tree[node: node].parent).metadata
                let directory = FileMetadata(mode: 0o755, uid: above.uid, gid: above.gid, mtime: metadata.mtime)
                entries.append((LayerEntry(path.parent, .add(.directory), directory), []))
            }
            let file = FileMetadata(mode: 0o644, uid: metadata.uid, gid: metadata.gid, mtime: metadata.mtime)
            entries.append((LayerEntry(path, .add(.file(size: Int64(content.count))), file), Array(content)))
        }
    }

    /// Takes a length of four bytes and as many bytes.
    private static func part(_ rest: inout ArraySlice<UInt8>) -> ArraySlice<UInt8>? {
        guard rest.count >= 4 else { return nil }
        let start = rest.startIndex
        let count = (0..<4).reduce(0) { $0 | Int(rest[start + $1]) << (8 * $1) }
        guard rest.count - 4 >= count else { return nil }
        defer { rest = rest[(start + 4 + count)...] }
        return rest[(start + 4)..<(start + 4 + count)]
    }
}
