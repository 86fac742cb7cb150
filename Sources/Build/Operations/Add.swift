internal import Frontend
internal import HTTP
internal import Linux
internal import OCI
internal import SystemPackage

// ADD: as COPY, but archives are unpacked, and sources may be repositories and files on the web.

extension StageBuilder {
    mutating func add(_ add: Instruction.Add, from source: StepSource) async throws {
        let add = try AddJob(add, self)
        let (stage, line) = (self, source.line)
        var base = try await self.key(of: add.job, "ADD")
        base.add("--unpack", add.unpack.map { "\($0)" } ?? "")
        var looked: [AddPart]?
        func fetch() async throws -> [AddPart] {
            if let looked { return looked }
            var parts: [AddPart] = []
            for source in add.sources { parts.append(try await source.fetch(stage, line)) }
            looked = parts
            return parts
        }
        func key(byContent: Bool, from start: StepFingerprint? = nil) async throws -> StepFingerprint? {
            var key = start ?? base
            for part in try await fetch() {
                guard try await part.add(to: &key, add.job, stage, byContent: byContent) else { return nil }
            }
            return key
        }
        var known: StepFingerprint?
        func content() async throws -> StepFingerprint {
            if let known { return known }
            guard let key = try await key(byContent: true) else { preconditionFailure("contents always suffice") }
            known = key
            return key
        }
        var keys: [() async throws -> StepFingerprint] = []
        if !add.sources.allSatisfy(\.isPath) {
            // Fetching is part of the step.
            keys.append {
                if let quick = try await key(byContent: false) { return quick }
                return try await content()
            }
        } else if let quick = try await key(byContent: false) {
            keys.append { quick }
        }
        if add.sources.contains(where: \.isPath) {
            // Without an archive an ADD of paths is a COPY, and depends as little on the layers below.
            let planned = add.plannedKey(on: self)
            for byContent in keys.isEmpty ? [true] : [false, true] {
                keys.append {
                    guard let plan = try await stage.planWithoutArchives(add, try await fetch()),
                        var key = try await key(byContent: byContent, from: planned)
                    else { return try await content() }
                    plan.add(to: &key, epoch: stage.newestTime(in: plan))
                    return key
                }
            }
        }
        try await step(source, history: add.job.history("ADD"), keys: keys.isEmpty ? [{ base }] : keys) {
            try await stage.make(add, try await fetch(), line: line)
        }
    }

    /// Places the files of an ADD whose only sources are paths; nil if one is or may be an archive that is unpacked.
    private func planWithoutArchives(_ add: AddJob, _ parts: [AddPart]) async throws -> CopyPlan? {
        guard parts.count == 1, !add.job.isIndependent, case .paths(let range, let origin) = parts[0] else {
            return nil
        }
        let source = try await source(origin)
        let selection = try selecting(from: origin) { try add.job.selection(in: source.tree, of: range) }
        let piece = AddPiece(source, selection)
        if add.unpack != false, try await Offload.run({ try piece.mayHaveArchives }) { return nil }
        return try await plan(add.job, selection)
    }

    /// Writes the layer of an ADD.
    private func make(_ add: AddJob, _ parts: [AddPart], line: Int) async throws -> CachedStep {
        var pieces: [AddPiece] = []
        let area = try shared.snapshots.makeWorkArea()
        do {
            for part in parts { pieces += try await part.pieces(add, self, in: area) }
            let step = try await write(pieces, add.job, line: line)
            try shared.snapshots.removeWorkArea(area)
            return step
        } catch {
            // The first error counts; a directory that stays is removed by the next garbage collection.
            try? shared.snapshots.removeWorkArea(area)
            throw error
        }
    }

    private func write(_ pieces: [AddPiece], _ job: TransferJob, line: Int) async throws -> CachedStep {
        let (source, selection): (any CopySource, CopySelection)
        if pieces.count == 1 {
            (source, selection) = (pieces[0].source, pieces[0].selection)
        } else {
            let joined = try await Offload.run { try JoinedSource(pieces) }
            (source, selection) = (joined, joined.selection)
        }
        let plan = try await plan(job, selection)
        try await note(job, plan, line: line)
        return try await write(plan, from: source, isIndependent: job.isIndependent, line: line).step
    }
}

/// An ADD with its words expanded and its sources classified.
struct AddJob: Sendable {
    let job: TransferJob
    let sources: [AddSource]
    /// True if archives are unpacked; nil means only archives of the context.
    let unpack: Bool?

    init(_ add: Instruction.Add, _ stage: StageBuilder) throws {
        job = try TransferJob(add.transfer, stage, isElsewhere: { try AddSource($0, stage.shared) != nil })
        unpack = add.unpack
        let checksum = try add.checksum.map { (word) throws(Diagnostic) in try stage.scope.expand(word) }
        var sources: [AddSource] = []
        for (index, text) in job.sources.enumerated() {
            if let elsewhere = try AddSource(text, stage.shared) {
                sources.append(elsewhere)
            } else if case .paths(let range) = sources.last {
                sources[sources.count - 1] = .paths(range.lowerBound..<index + 1)
            } else {
                sources.append(.paths(index..<index + 1))
            }
        }
        if let word = add.checksum, let checksum {
            guard job.sources.count == 1, job.inline.isEmpty, let source = sources.first, !source.isPath else {
                throw Diagnostic(word.position, "--checksum needs exactly one source, on the web or in a repository")
            }
            sources = [try source.checked(checksum, at: word.position)]
        }
        self.sources = try sources.map { try $0.keepingRepository(add.keepGitDir) }
    }

    /// Returns the part of a key that needs no file and no layer below, for a key that has the plan.
    func plannedKey(on stage: StageBuilder) -> StepFingerprint {
        var key = job.plannedKey("ADD", on: stage)
        key.add("--unpack", unpack.map { "\($0)" } ?? "")
        return key
    }
}

/// A source of ADD, or several adjacent paths.
enum AddSource: Sendable {
    /// Sources with these indices, in the context.
    case paths(Range<Int>)
    case git(GitLocation)
    case web(WebFile)

    /// Parses a source; nil for a path.
    ///
    /// - Throws: ``BuildError/badContext(_:reason:)`` for a malformed address of a repository.
    init?(_ text: String, _ state: BuildState) throws(BuildError) {
        if let location = try GitLocation(text) {
            self = .git(location)
        } else if let address = SourceAddress(text), ["http", "https"].contains(address.scheme) {
            self = .web(WebFile(address: text, state: state))
        } else {
            return nil
        }
    }

    var isPath: Bool { if case .paths = self { true } else { false } }

    /// Returns the same source with an expected checksum.
    fileprivate func checked(_ text: String, at position: Position) throws -> AddSource {
        switch self {
        case .paths: return self
        case .git(let location): return .git(try location.adding(checksum: text, keepsGitDirectory: false))
        case .web(var file):
            guard let digest = try? Digest(text) else {
                throw Diagnostic(position, "--checksum=\(text) is not sha256: and 64 lower-case hex digits")
            }
            file.checksum = digest
            return .web(file)
        }
    }

    fileprivate func keepingRepository(_ keeps: Bool) throws -> AddSource {
        guard case .git(let location) = self else { return self }
        return .git(try location.adding(checksum: nil, keepsGitDirectory: keeps))
    }

    /// Fetches a repository or a file of the web.
    fileprivate func fetch(_ stage: StageBuilder, _ line: Int) async throws -> AddPart {
        switch self {
        case .paths(let range): return .paths(range, try await stage.origin(of: nil, line))
        case .git(let location):
            return .tree(try await GitRepository(location: location, state: stage.shared).image(), "\(location)")
        case .web(let file):
            let (image, name) = try await file.image()
            return .file(image, name)
        }
    }
}

/// A source of ADD after it was fetched.
enum AddPart: Sendable {
    case paths(Range<Int>, Origin)
    /// All files of an image.
    case tree(Image, String)
    /// A single file of an image.
    case file(Image, String)

    /// Adds all inputs of the result; false if that needs the content of files.
    fileprivate func add(
        to key: inout StepFingerprint, _ job: TransferJob, _ stage: StageBuilder, byContent: Bool
    ) async throws -> Bool {
        switch self {
        case .tree(let image, let name), .file(let image, let name):
            key.add("the files of \(name)", Digest.chainID(of: image.layers)?.description ?? "scratch")
        case .paths(let range, let origin) where byContent:
            let source = try await stage.source(origin)
            let selection = try stage.selecting(from: origin) { try job.selection(in: source.tree, of: range) }
            let digests = try await Offload.run { try source.digests(of: selection.files) }
            selection.add(to: &key, digests: digests)
        case .paths(let range, let origin):
            guard let cheapKey = try await stage.cheapKey(at: origin, Array(job.sources[range])) else { return false }
            key.add(cheapKey.name, cheapKey.value)
        }
        return true
    }

    /// Returns the files, with archives opened.
    fileprivate func pieces(_ add: AddJob, _ stage: StageBuilder, in area: FilePath) async throws -> [AddPiece] {
        switch self {
        case .tree(let image, let name):
            let source = ImageSource(image: image, tree: try await stage.shared.trees.tree(of: image))
            let selection = CopySelection(
                FileTree.rootNode, named: name, source: name, excluding: add.job.rules, in: source.tree)
            return [AddPiece(source, selection)]
        case .file(let image, let name):
            let source = ImageSource(image: image, tree: try await stage.shared.trees.tree(of: image))
            let node = source.tree.node(at: try ImagePath(name)) ?? FileTree.rootNode
            let selection = CopySelection(node, named: name, source: name, in: source.tree)
            guard add.unpack == true else { return [AddPiece(source, selection)] }
            return try await Offload.run { try AddPiece(source, selection).opened(in: Directory(area)) }
        case .paths(let range, let origin):
            let source = try await stage.source(origin)
            let selection = try stage.selecting(from: origin) { try add.job.selection(in: source.tree, of: range) }
            guard add.unpack != false else { return [AddPiece(source, selection)] }
            return try await Offload.run { try AddPiece(source, selection).opened(in: Directory(area)) }
        }
    }
}

/// Files of one tree that an ADD copies.
struct AddPiece: Sendable {
    let source: any CopySource
    let selection: CopySelection

    init(_ source: any CopySource, _ selection: CopySelection) {
        (self.source, self.selection) = (source, selection)
    }

    /// Returns the same files with archives replaced by their content, in the order of the sources.
    func opened(in area: Directory) throws -> [AddPiece] {
        var pieces: [AddPiece] = []
        var files: [CopySelection.Root] = []
        func endFiles() {
            if !files.isEmpty { pieces.append(AddPiece(source, CopySelection(files, in: selection.tree))) }
            files = []
        }
        for root in selection.roots {
            guard let archive = try archive(at: root, in: area) else {
                files.append(root)
                continue
            }
            endFiles()
            let selection = CopySelection(ofArchive: archive.tree, named: root.source)
            pieces.append(AddPiece(archive, selection))
        }
        endFiles()
        // If patterns match nothing, the destination is still made.
        return pieces.isEmpty ? [self] : pieces
    }

    /// True if a file is an archive, or if that can't be said without copying it out of a layer.
    var mayHaveArchives: Bool {
        get throws {
            let files = selection.roots.filter { selection.tree.inode(of: $0.node).kind.size > 0 }
            guard let context = source as? ContextSource else { return !files.isEmpty }
            return try files.contains { root in
                let path = selection.tree.inodes[selection.tree[node: root.node].inode].path
                return try ForeignArchive.isArchive(context.open(path))
            }
        }
    }

    /// Returns the content of a file that is a tar, optionally compressed.
    private func archive(at root: CopySelection.Root, in area: Directory) throws -> ArchiveSource? {
        guard selection.tree.inode(of: root.node).kind.size > 0 else { return nil }
        let open = try file(of: root.node, in: area)
        guard ForeignArchive.isArchive(try open()) else { return nil }
        let name = root.source
        return try ArchiveSource(name: name, opening: { try ForeignArchive(open(), name: name) })
    }

    /// Opens a file, after copying it out of a layer if necessary.
    private func file(
        of node: FileTree.NodeID, in area: Directory
    ) throws -> @Sendable () throws -> OwnedDescriptor {
        let inode = selection.tree[node: node].inode
        if let context = source as? ContextSource {
            let path = selection.tree.inodes[inode].path
            return { try context.open(path) }
        }
        let name = FilePath("archive.\(UInt64.random(in: 0 ... .max))")
        let copy = try area.open(name, [.write, .create, .exclusive], mode: 0o600)
        try source.read([inode], begin: { _ in }, chunk: { try unsafe copy.write($0.span.bytes) })
        return { try area.open(name) }
    }
}
