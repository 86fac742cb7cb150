internal import Frontend
internal import Glibc
internal import Linux
internal import OCI
internal import Synchronization
internal import SystemPackage

/// A directory that is a build context; it is scanned once, at its first use.
final class BuildContext: Sendable {
    private let path: FilePath
    /// The Dockerfile, whose own ignore file takes precedence over the directory's.
    private let dockerfile: FilePath?
    private let hashes: ContextHashes
    private let note: @Sendable (String) -> Void
    private let ignore = Mutex<IgnoreFile?>(nil)
    private let walk = Mutex<ContextWalk?>(nil)
    private let source = Mutex<ContextSource?>(nil)

    /// The context in a directory; `note` receives notes about its files.
    init(_ path: FilePath, dockerfile: FilePath?, store: Store, note: @escaping @Sendable (String) -> Void) {
        self.path = path
        self.note = note
        self.dockerfile = dockerfile
        hashes = ContextHashes(store, context: path.absolute)
    }

    /// Returns every file that the ignore rules don't exclude.
    func files() throws -> ContextSource {
        try source.withLock { known in
            if let known { return known }
            let swept = try scan()
            let made = try ContextSource(swept, hashes: hashes)
            for remark in swept.remarks { note(remark) }
            known = made
            return made
        }
    }

    /// Returns a digest of the metadata of all files that `sources` can read; equal stamps mean equal content.
    ///
    /// Nil if the metadata isn't sufficient for that.
    func stamp(of sources: [String]) throws -> Digest? { try scan().stamp(of: sources) }

    /// Saves the hashes of the files.
    func save() throws { try hashes.save() }

    /// The patterns of the ignore file, which is read once; nil if it can't be read, which the scan reports.
    var ignoreRules: IgnoreRules? { try? ignoreFile(open()).rules }

    /// Throws if an existing file is excluded by a pattern; `text` is a source of COPY that was not found.
    func expectNotIgnored(_ text: String) throws {
        let directory = try open()
        let file = try ignoreFile(directory)
        guard let path = try? CopyPlan.absolute(text, in: "/"), !path.isRoot,
            let rule = file.rules.decidingRule(for: path.bytes), !rule.isNegated,
            (try? directory.exists(FilePath(path))) == true
        else { return }
        throw BuildError.sourceIgnored(
            text, pattern: rule.pattern, at: BuildError.Location(file: file.name, line: rule.line))
    }

    /// An ignore file and its name.
    private struct IgnoreFile {
        let rules: IgnoreRules
        let name: String
    }

    private func ignoreFile(_ directory: Directory) throws -> IgnoreFile {
        try ignore.withLock { known in
            if let known { return known }
            let made = try readIgnoreFile(directory)
            known = made
            return made
        }
    }

    private func scan() throws -> ContextWalk {
        try walk.withLock { known in
            if let known { return known }
            let directory = try open()
            let rules = try ignoreFile(directory).rules
            let made = try ContextWalk(
                directory,
                ContextRules(isIgnored: { rules.excludes($0) }, mayPrune: { !rules.mayInclude(below: $0) }))
            known = made
            return made
        }
    }

    private func open() throws -> Directory {
        do throws(SystemError) {
            return try Directory(path)
        } catch {
            guard error.errno == .permissionDenied else { throw BuildError.noContext(path.string) }
            throw BuildError.badContext(path.string, reason: "cannot be read: \(error.errno)")
        }
    }

    /// Reads `<Dockerfile>.dockerignore` next to the Dockerfile, else `.dockerignore` in the context's root.
    private func readIgnoreFile(_ directory: Directory) throws -> IgnoreFile {
        let limit = 16 << 20
        let bytes: [UInt8]
        var name = ".dockerignore"
        let beside = dockerfile.map { FilePath($0.string + ".dockerignore") }
        if let beside, let file = try? OwnedDescriptor(beside) {
            (bytes, name) = (try file.readAll(limit: limit), beside.lastComponent?.string ?? name)
        } else {
            bytes = try reading(.root.appending(".dockerignore".utf8)) {
                try directory.exists(".dockerignore") ? directory.contents(of: ".dockerignore", limit: limit) : []
            }
        }
        do {
            return IgnoreFile(rules: try IgnoreRules(parsing: bytes), name: name)
        } catch {
            throw BuildError.badIgnoreFile(
                error.message, at: BuildError.Location(file: name, line: error.position.line))
        }
    }
}

extension FilePath {
    /// The absolute path, relative to the current directory of this process.
    var absolute: FilePath {
        guard isRelative, let current = unsafe getcwd(nil, 0) else { return lexicallyNormalized() }
        defer { unsafe free(current) }
        return unsafe FilePath(String(cString: current)).pushing(self).lexicallyNormalized()
    }
}
