internal import HTTP
internal import Linux
internal import OCI
internal import SystemPackage

/// The state of a repository for this build: the current target of a ref, and the files of a commit.
///
/// ```
/// ls-remote ─► commit ─► remembered layer?
///                           └─ no ─► thaw/git/HASH (bare, kept, fetched into) ─► checkout in a work area ─► layer
/// ```
struct GitRepository: Sendable {
    let location: GitLocation
    let state: BuildState

    /// Returns the files as an image: modes 0644 or 0755, owner root, all with the commit's time.
    func image() async throws -> Image {
        let settings = try speedLimits + credentials()
        let (commit, agent) = try await Interruptible.run { work in
            // One agent serves all commands.
            let agent = try state.request.agents["default"].map { try RunningAgent($0) }
            let commit = try state.inWorkArea { area in
                try resolve(Git(in: area, work, settings: settings, agent: agent))
            }
            return (commit, agent)
        }
        state.inputs.add(BuildInputs.Material(location, commit: commit.hash))
        let key = key(of: commit)
        if state.request.usesCache, let step = try state.store.cachedStep(for: key) { return state.image(of: step) }
        let step = try await Interruptible.run { work in
            try state.inWorkArea { area in
                try fetch(commit, with: Git(in: area, work, settings: settings, agent: agent), in: area)
            }
        }
        try state.store.cache(step, for: key)
        return state.image(of: step)
    }

    private func key(of commit: Commit) -> Digest {
        var hasher = Digest.Hasher()
        for field in ["git", commit.hash, location.subdirectory, "\(keeps)", "\(location.hasSubmodules)"] {
            hasher.update(field: field)
        }
        // Only the kept `.git` directory depends on the remote.
        if keeps { hasher.update(field: location.remote + " " + (commit.ref ?? "")) }
        return hasher.finalize()
    }

    private var keeps: Bool { location.keepsGitDirectory ?? false }

    /// A commit, and the remote's name that led to it.
    private struct Commit {
        let hash: String
        let ref: String?
    }

    /// The same speed limits as for every other transfer of the build.
    private var speedLimits: [(name: String, value: String)] {
        let web = state.request.web
        return [
            ("http.lowSpeedLimit", "\(web.minimumSpeed)"),
            ("http.lowSpeedTime", "\(web.stallTimeout.components.seconds)"),
        ]
    }

    /// Returns settings with the build's secrets for this host: a custom header, or a token for basic authentication.
    private func credentials() throws -> [(name: String, value: String)] {
        guard let address = SourceAddress(location.remote), ["http", "https"].contains(address.scheme) else {
            return []
        }
        // A submodule with a relative address gets no user and password: its address is kept in .git, so the image
        // would contain them.
        let bare = "\(address.scheme)://\(address.host)/"
        let clean = ("url.\(address.scheme)://\(address.authority)/.insteadOf", bare)
        let user = address.authority.contains("@") ? [(name: clean.0, value: clean.1)] : []
        return try user + headers(for: address)
    }

    private func headers(for address: SourceAddress) throws -> [(name: String, value: String)] {
        let name = "http.\(address.scheme)://\(address.host)/.extraheader"
        // After a redirect git sends such a header to the other host.
        let stays = ("http.followRedirects", "false")
        if let header = try state.secret(["GIT_AUTH_HEADER.\(address.host)", "GIT_AUTH_HEADER"]) {
            return [(name, "Authorization: \(header)"), stays]
        }
        if let token = try state.secret(["GIT_AUTH_TOKEN.\(address.host)", "GIT_AUTH_TOKEN"]) {
            return [(name, "Authorization: basic \(Base64.padded(Array("x-access-token:\(token)".utf8)))"), stays]
        }
        return []
    }
}

// MARK: - Which commit

extension GitRepository {
    private func resolve(_ git: Git) throws -> Commit {
        if let commit = location.commit { return Commit(hash: commit, ref: nil) }
        let wanted = location.ref ?? "HEAD"
        let output = try git.run(["ls-remote", "--", location.remote, wanted, wanted + "^{}"], for: location.remote)
        let names = Self.names(in: output)
        let candidates =
            wanted.hasPrefix("refs/") || wanted == "HEAD"
            ? [wanted]
            : [
                "refs/heads/\(wanted)", "refs/tags/\(wanted)", "refs/\(wanted)",
            ]
        guard let ref = candidates.first(where: { names[$0] != nil }), let object = names[ref] else {
            throw BuildError.gitFailed(
                SourceAddress.redacted(location.remote),
                reason: location.ref.map { "it has no branch, tag or commit '\($0)'" } ?? "it has no commit at HEAD")
        }
        let commit = names[ref + "^{}"] ?? object
        if let checksum = location.checksum, !commit.hasPrefix(checksum), !object.hasPrefix(checksum) {
            throw BuildError.checksum(location.description, expected: checksum, found: commit)
        }
        return Commit(hash: commit, ref: ref)
    }

    /// Parses lines of `HASH TAB NAME`.
    private static func names(in output: [UInt8]) -> [String: String] {
        var names: [String: String] = [:]
        for line in String(decoding: output, as: UTF8.self).split(separator: "\n") {
            let parts = line.split(separator: "\t", maxSplits: 1).map(String.init)
            if parts.count == 2, GitLocation.isCommit(parts[0]) { names[parts[1]] = parts[0] }
        }
        return names
    }
}

// MARK: - Its files

extension GitRepository {
    private func fetch(_ commit: Commit, with git: Git, in area: Directory) throws -> CachedStep {
        let cache = try cacheDirectory(for: commit)
        let lock = try Lock(FilePath(cache.string + ".lock"), .exclusive)
        try bring(commit, into: cache, git)
        let source = area.path.absolute.appending("src").string
        try git.run(
            ["init", "-q", "--template=", "--object-format=\(Self.format(of: commit.hash))", source],
            for: location.remote)
        try git.run(
            ["-C", source, "remote", "add", "--", "origin", SourceAddress.withoutUser(location.remote)],
            for: location.remote)
        if keeps {
            let names = [commit.hash + (commit.ref.flatMap(Self.kept).map { ":\($0)" } ?? "")]
            try git.run(
                ["-C", source, "fetch", "-q", "--depth=1", "--no-tags", "--", "file://\(cache)"] + names,
                for: location.remote, allowsFiles: true)
        } else {
            let objects = try Directory(area.path.appending("src/.git"))
            try objects.makeDirectories("objects/info")
            try objects.replace("objects/info/alternates", with: Array("\(cache)/objects\n".utf8), isSynced: false)
            let shallow = cache.appending("shallow")
            if let file = try? OwnedDescriptor(shallow) {
                try objects.replace("shallow", with: file.readAll(limit: 64 << 20), isSynced: false)
            }
        }
        try git.run(["-C", source, "checkout", "-q", "--detach", "--force", commit.hash], for: location.remote)
        try checkOutSubmodules(of: source, with: git, in: area)
        if keeps { try tidy(area, source: source, commit: commit, git: git) }
        let time = try seconds(of: commit, source, git)
        let step = try layer(of: area, time: time)
        try lock.release()
        return step
    }

    /// Returns `thaw/git/HASH` for a remote; SHA-1 and SHA-256 repositories are separate.
    private func cacheDirectory(for commit: Commit) throws -> FilePath {
        try state.store.root.makeDirectories("thaw/git", mode: 0o700)
        let name = Digest(of: Array("\(Self.format(of: commit.hash)) \(location.remote)".utf8)).hex
        return state.store.path.appending("thaw/git").appending(name).absolute
    }

    private static func format(of hash: String) -> String { hash.utf8.count == 64 ? "sha256" : "sha1" }

    /// Returns the local name of a remote's ref in a kept repository.
    private static func kept(_ ref: String) -> String? {
        if ref.hasPrefix("refs/heads/") { return "refs/remotes/origin/" + ref.dropFirst("refs/heads/".count) }
        return ref == "HEAD" ? nil : ref
    }

    /// Fetches only the commit if the server allows that, else all branches and tags.
    private func bring(_ commit: Commit, into cache: FilePath, _ git: Git) throws {
        let remote = location.remote
        let at = ["--git-dir=\(cache)"]
        // This also repairs a repository whose creation was interrupted.
        let format = "--object-format=\(Self.format(of: commit.hash))"
        try git.run(["init", "-q", "--bare", "--template=", format, cache.string], for: remote)
        func has() throws -> Bool { try git.succeeds(at + ["cat-file", "-e", "\(commit.hash)^{commit}"]) }
        func narrow(_ name: String) -> [String] {
            at + ["fetch", "-q", "--depth=1", "--no-tags", "--force", "--", remote, "\(name):refs/thaw/last"]
        }
        if try has() { return }
        // A server of plain files, "dumb HTTP", can't send a part.
        let sendsParts = try commit.ref.map { try location.fetchesByCommit || git.succeeds(narrow($0)) } ?? true
        // A branch may have moved since the look-up.
        if try has() { return }
        if try !sendsParts || !git.succeeds(narrow(commit.hash)) {
            let isShallow = (try? OwnedDescriptor(cache.appending("shallow"))) != nil
            let all = ["--", remote, "+refs/heads/*:refs/thaw/heads/*", "+refs/tags/*:refs/tags/*"]
            try git.run(
                at + ["fetch", "-q", "--force"] + (isShallow ? ["--unshallow"] : []) + all, for: remote)
        }
        guard try has() else {
            throw BuildError.gitFailed(SourceAddress.redacted(remote), reason: "it has no commit \(commit.hash)")
        }
    }

    /// Removes parts of the kept repository that depend only on the time and place of the fetch.
    private func tidy(_ area: Directory, source: String, commit: Commit, git: Git) throws {
        try area.removeTree("src/.git/FETCH_HEAD")
        try area.removeTree("src/.git/index")
        try git.run(["-C", source, "read-tree", commit.hash], for: location.remote)
        try git.run(
            ["-C", source, "remote", "set-url", "--", "origin", SourceAddress.withoutUser(location.remote)],
            for: location.remote)
    }

    private func checkOutSubmodules(of source: String, with git: Git, in area: Directory) throws {
        guard location.hasSubmodules, try area.exists("src/.gitmodules") else { return }
        let update = ["-C", source, "submodule", "update", "-q", "--init", "--recursive"]
        if try git.succeeds(update + ["--depth=1"]) { return }
        try git.run(update, for: location.remote)
    }

    private func seconds(of commit: Commit, _ source: String, _ git: Git) throws -> Int64 {
        let output = try git.run(["-C", source, "show", "-s", "--format=%ct", commit.hash], for: location.remote)
        return max(0, Int64(String(decoding: output.prefix { $0 != 10 }, as: UTF8.self)) ?? 0)
    }

    /// Stores the checkout as a layer; links of the repository are never followed out of it.
    private func layer(of area: Directory, time: Int64) throws -> CachedStep {
        let root = try area.directory("src")
        let place = FilePath(location.subdirectory)
        guard let files = try? (place.isEmpty ? root : root.directory(place)) else {
            throw BuildError.gitFailed(
                location.description, reason: "the commit has no directory '\(location.subdirectory)'")
        }
        let keeps = keeps
        let source = try ContextSource(
            files, hashes: nil, rules: ContextRules(isIgnored: { !keeps && $0.name.elementsEqual(".git".utf8) }))
        let step = try source.layer(in: state.store) { entry in
            var entry = entry
            let isExecutable = entry.metadata.mode & 0o100 != 0
            entry.metadata = FileMetadata(
                mode: isExecutable || entry.change == .add(.directory) ? 0o755 : 0o644,
                mtime: FileTime(seconds: time))
            if case .add(.symlink) = entry.change { entry.metadata.mode = 0o777 }
            return entry
        }
        return CachedStep(layer: step, epoch: time)
    }
}
