internal import Frontend
internal import Glibc
internal import Linux
internal import OCI
internal import Synchronization
internal import SystemPackage

/// The build context: walked when something first reads it, and once.
final class BuildContext: Sendable {
    private let path: FilePath?
    private let dockerfile: FilePath
    private let hashes: ContextHashes?
    private let source = Mutex<ContextSource?>(nil)

    init(_ request: BuildRequest, store: Store) throws {
        path = request.context
        dockerfile = request.dockerfile
        hashes = try path.map { try ContextHashes(store, context: Self.absolute($0), now: Int64(time(nil))) }
    }

    /// Every file that the ignore rules leave.
    func files() throws -> ContextSource {
        try source.withLock { known in
            if let known { return known }
            guard let path, let hashes else { throw BuildError.noContext("-") }
            guard let directory = try? Directory(path) else { throw BuildError.noContext(path.string) }
            let rules = try ignoreRules(directory)
            let made = try ContextSource(
                directory, hashes: hashes, isIgnored: { rules.excludes($0) },
                mayPrune: { !rules.mayInclude(below: $0) })
            known = made
            return made
        }
    }

    /// Whether a file of the context holds a tar, compressed or not.
    func isArchive(_ node: FileTree.NodeID) throws -> Bool {
        let files = try files()
        guard files.tree.inode(of: node).kind.size > 0 else { return false }
        return ForeignArchive.isArchive(try files.open(files.tree.path(of: node)))
    }

    /// What tells this context from others.
    var name: String { path.map { Self.absolute($0).string } ?? "" }

    /// Writes down what the files hashed to.
    func save() throws { try hashes?.save() }

    /// `<Dockerfile>.dockerignore` beside the Dockerfile, else `.dockerignore` in the context's root.
    private func ignoreRules(_ directory: Directory) throws -> IgnoreRules {
        let beside = FilePath(dockerfile.string + ".dockerignore")
        let limit = 16 << 20
        let bytes: [UInt8]
        var name = ".dockerignore"
        if let file = try? OwnedDescriptor(beside) {
            (bytes, name) = (try file.readAll(limit: limit), beside.lastComponent?.string ?? name)
        } else {
            bytes = try directory.exists(".dockerignore") ? directory.contents(of: ".dockerignore", limit: limit) : []
        }
        do {
            return try IgnoreRules(parsing: bytes)
        } catch {
            throw BuildError.badIgnoreFile(error.message, at: BuildError.Place(file: name, line: error.position.line))
        }
    }

    private static func absolute(_ path: FilePath) -> FilePath {
        guard path.isRelative, let current = unsafe getcwd(nil, 0) else { return path.lexicallyNormalized() }
        defer { unsafe free(current) }
        return unsafe FilePath(String(cString: current)).pushing(path).lexicallyNormalized()
    }
}
