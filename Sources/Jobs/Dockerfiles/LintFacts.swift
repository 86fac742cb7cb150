public import Frontend
internal import Linux
internal import OCI
internal import SystemPackage

/// The facts about a Dockerfile's images in the store and its context, for checks that need more than its text.
///
/// A fact that is not available stays unknown, and no check then reports it: linting never needs an image.
enum LintFacts {
    /// Gathers the facts about the base images, the context and the built image.
    ///
    /// - Parameters:
    ///   - result: The image built from the Dockerfile, whose files and layers are checked too; nil for none.
    ///   - openStore: Opens the store with the images; returns nil if there is none.
    static func gather(
        _ dockerfile: Dockerfile, _ arguments: BuildArguments, path: FilePath, result: String?,
        openStore: () throws -> Store?
    ) async throws -> ImageFacts {
        var facts = ImageFacts()
        facts.ignoreRules = ignoreRules(beside: path)
        facts.contextEntries = contextEntries(beside: path)
        guard let scope = try? GlobalScope(dockerfile, arguments), let graph = try? StageGraph(dockerfile, scope),
            let store = try openStore()
        else { return facts }
        var trees: [Int: (image: Image, tree: FileTree)] = [:]
        // Several stages may have the same base image, which is read once.
        var first: [String: Int] = [:]
        for stage in dockerfile.stages {
            guard case .image(let name) = graph.bases[stage.index] else { continue }
            if let known = first[name] {
                (trees[stage.index], facts.bases[stage.index]) = (trees[known], facts.bases[known])
                continue
            }
            first[name] = stage.index
            guard let reference = try? Reference(name), let image = try? store.image(reference) else { continue }
            let tree = try await store.tree(of: image)
            trees[stage.index] = (image, tree)
            facts.bases[stage.index] = try base(image, tree)
        }
        facts.file = { [trees] stage, path in trees[stage].flatMap { state(of: path, in: $0.tree) } }
        if let result { try await add(store.image(reference(result)), of: dockerfile, graph, to: &facts) }
        return facts
    }

    /// Adds the facts of the built image: the files of its last stage, and the rewrites and leftovers of each layer.
    private static func add(
        _ image: Image, of dockerfile: Dockerfile, _ graph: StageGraph, to facts: inout ImageFacts
    ) async throws {
        let tree = try await image.tree(contents: true)
        let last = dockerfile.stages.count - 1
        let known = facts.file
        facts.file = { stage, path in
            stage == last ? state(of: path, in: tree) ?? .missing : known(stage, path)
        }
        let steps = layerSteps(of: last, dockerfile, graph)
        // The steps made the topmost layers, in order; lower layers belong to the base image.
        for (offset, step) in steps.suffix(image.layers.count).reversed().enumerated() {
            let index = image.layers.count - 1 - offset
            facts.layers.append(
                ImageFacts.BuiltLayer(
                    stage: step.stage, line: step.line, rewrites: rewrites(by: index, in: tree),
                    leftovers: leftovers(of: index, in: tree)))
        }
    }

    /// Returns the instructions that made layers, those of the base stages first.
    private static func layerSteps(
        of stage: Int, _ dockerfile: Dockerfile, _ graph: StageGraph
    ) -> [(stage: Int, line: Int)] {
        let chain = sequence(first: stage) { index in
            if case .stage(let base) = graph.bases[index] { base } else { nil }
        }
        return chain.reversed().flatMap { index in
            dockerfile.stages[index].instructions
                .filter { ["RUN", "COPY", "ADD", "WORKDIR"].contains($0.value.keyword) }
                .map { (index, $0.lines.lowerBound) }
        }
    }

    /// Returns the files that a layer stored again with the same content.
    private static func rewrites(by layer: Int, in tree: FileTree) -> [ImageFacts.RewrittenFile] {
        tree.inodes.compactMap { old in
            guard case .replaced(layer, let id)? = old.removal, old.kind.isFile, old.kind.size > 0, old.layer < layer,
                tree.inodes.indices.contains(id), tree.inodes[id].content == old.content
            else { return nil }
            return ImageFacts.RewrittenFile(path: old.path.description, byteCount: old.kind.size)
        }
    }

    private static let leftoverPlaces = ["/var/lib/apt/lists/", "/var/cache/apt/", "/root/.cache/", "/var/cache/apk/"]

    /// Returns the lists and caches of package managers that a layer contains.
    private static func leftovers(of layer: Int, in tree: FileTree) -> [ImageFacts.RewrittenFile] {
        tree.inodes.compactMap { inode in
            let path = inode.path.description
            guard inode.layer == layer, inode.kind.isFile, leftoverPlaces.contains(where: path.hasPrefix) else {
                return nil
            }
            return ImageFacts.RewrittenFile(path: path, byteCount: inode.kind.size)
        }
    }

    /// Returns entries of the Dockerfile's directory that rarely belong in an image, with their sizes in bytes.
    private static func contextEntries(beside path: FilePath) -> [ImageFacts.RewrittenFile] {
        let parent = path.removingLastComponent()
        guard let directory = try? Directory(parent.isEmpty ? FilePath(".") : parent) else { return [] }
        return ImageFacts.unwantedEntries.compactMap { name in
            guard (try? directory.exists(FilePath(name))) == true else { return nil }
            return ImageFacts.RewrittenFile(path: name, byteCount: byteCount(of: FilePath(name), in: directory))
        }
    }

    /// Returns the bytes of a file, or of the direct entries of a directory.
    private static func byteCount(of name: FilePath, in directory: Directory) -> Int64 {
        guard let status = try? directory.status(of: name) else { return 0 }
        guard status.type == .directory, let below = try? directory.directory(name), let entries = try? below.entries()
        else { return status.size }
        return entries.reduce(0) { $0 + ((try? below.status(of: FilePath(bytes: $1.name)).size) ?? 0) }
    }

    private static func base(_ image: Image, _ tree: FileTree) throws -> ImageFacts.Base {
        var base = ImageFacts.Base()
        base.environment = image.config.environment.map { Variable($0) }
        base.workingDirectory = image.config.workingDirectory.isEmpty ? "/" : image.config.workingDirectory
        base.platform = PlatformArguments(
            os: image.config.platform.os, architecture: image.config.platform.architecture,
            variant: image.config.platform.variant ?? "")
        let accounts = try Accounts(
            passwd: image.contents(of: "etc/passwd", in: tree) ?? [],
            group: image.contents(of: "etc/group", in: tree) ?? [])
        base.users = Set(accounts.userNames.map { String(decoding: $0, as: UTF8.self) })
        base.groups = Set(accounts.groupNames.map { String(decoding: $0, as: UTF8.self) })
        return base
    }

    private static func state(of path: String, in tree: FileTree) -> ImageFacts.FileState? {
        // A file that the base lacks is unknown, not missing: later instructions may add it.
        guard let path = try? ImagePath(path), let found = tree.resolve(path) else { return nil }
        return tree.inode(of: found.node).metadata.mode & 0o111 == 0 ? .notExecutable : .executable
    }

    private static func ignoreRules(beside path: FilePath) -> IgnoreRules? {
        let directory = path.removingLastComponent()
        for file in [FilePath(path.string + ".dockerignore"), directory.appending(".dockerignore")] {
            guard let bytes = try? OwnedDescriptor(file).readAll(limit: 16 << 20) else { continue }
            return try? IgnoreRules(parsing: bytes)
        }
        return nil
    }
}

extension PlatformArguments {
    /// The platform that this program was compiled for.
    public static var host: PlatformArguments {
        PlatformArguments(os: Platform.host.os, architecture: Platform.host.architecture)
    }
}
