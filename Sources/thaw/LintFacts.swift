import Frontend
import Linux
import OCI
import SystemPackage

/// What the store and the context know about a Dockerfile's images, for the checks that text alone cannot make.
///
/// Whatever cannot be found out stays unknown, and no check then complains about it: linting never needs an image.
enum LintFacts {
    static func gather(
        _ dockerfile: Dockerfile, _ arguments: BuildArguments, path: FilePath, _ global: GlobalOptions
    ) async throws -> ImageFacts {
        var facts = ImageFacts()
        facts.ignoreRules = ignoreRules(beside: path)
        guard fileExists(FilePath(global.path)), let scope = try? GlobalScope(dockerfile, arguments),
            let graph = try? StageGraph(dockerfile, scope)
        else { return facts }
        let store = try global.store()
        var trees: [Int: (image: Image, tree: FileTree)] = [:]
        for stage in dockerfile.stages {
            guard case .image(let name) = graph.bases[stage.index], let reference = try? Reference(name),
                let image = try? store.image(reference)
            else { continue }
            let tree = try await store.tree(of: image)
            trees[stage.index] = (image, tree)
            facts.bases[stage.index] = try base(image, tree)
        }
        facts.file = { [trees] stage, path in trees[stage].flatMap { state(of: path, in: $0.tree) } }
        return facts
    }

    private static func base(_ image: Image, _ tree: FileTree) throws -> ImageFacts.Base {
        var base = ImageFacts.Base()
        base.environment = image.config.environment.map { Variable($0) }
        base.workingDirectory = image.config.workingDirectory.isEmpty ? "/" : image.config.workingDirectory
        base.platform = PlatformArguments(
            os: image.config.platform.os, architecture: image.config.platform.architecture,
            variant: image.config.platform.variant ?? "")
        base.users = try names(image.contents(of: "etc/passwd", in: tree))
        base.groups = try names(image.contents(of: "etc/group", in: tree))
        return base
    }

    private static func names(_ file: [UInt8]?) -> Set<String> {
        Set((file ?? []).split(separator: 10).map { String(decoding: $0.prefix { $0 != 58 }, as: UTF8.self) })
    }

    private static func state(of path: String, in tree: FileTree) -> ImageFacts.FileState? {
        // Only what the base has is known here: later instructions may bring the file.
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
