internal import Frontend
internal import OCI
internal import SystemPackage

/// A `--mount` of RUN with all defaults filled in.
enum RunMount: Sendable {
    /// Files of a stage, an image or a context.
    case bind(Bind, at: ImagePath, isReadOnly: Bool)
    /// A directory that outlives the build.
    case cache(CacheUse, at: ImagePath, isReadOnly: Bool)
    /// A tmpfs.
    case memory(size: Int?, at: ImagePath, isReadOnly: Bool)
    /// A secret: the command may read it, but the image must not contain it.
    case secret(SecretUse)
    /// A connection to an SSH agent of the build's user.
    case agent(AgentUse)

    /// The source of bound files.
    struct Bind: Sendable {
        let origin: Origin
        let source: String
    }

    /// A cache and its initial content.
    struct CacheUse: Sendable {
        let id: String
        let sharing: CacheMounts.CacheSharing
        let owner: Owner
        let seed: Bind?
        let seedName: String
    }

    /// A secret, and its file, its variable, or both.
    struct SecretUse: Sendable {
        let id: String
        let isRequired: Bool
        let variable: String?
        let target: ImagePath?
        let owner: Owner
    }

    /// An agent, and the path of its socket.
    struct AgentUse: Sendable {
        let id: String
        let isRequired: Bool
        let target: ImagePath
        let owner: Owner
    }

    /// The owner and mode of a mount's files.
    struct Owner: Sendable, Hashable, Codable {
        let mode: UInt32
        let uid: UInt32
        let gid: UInt32

        /// Those of a cache whose mount gives none.
        static let usual = Owner(mode: 0o755, uid: 0, gid: 0)

        init(mode: UInt32, uid: UInt32, gid: UInt32) { (self.mode, self.uid, self.gid) = (mode, uid, gid) }

        init(_ mount: MountSpec, mode: UInt32) {
            self.init(mode: mount.mode ?? mode, uid: mount.uid ?? 0, gid: mount.gid ?? 0)
        }

        var text: String { "0\(String(mode, radix: 8)) \(uid):\(gid)" }
    }
}

extension StageBuilder {
    /// Resolves the mounts of a RUN at `line`.
    func mounts(of run: Instruction.Run, _ line: Int) async throws -> [RunMount] {
        var (mounts, agents) = ([RunMount](), 0)
        for flag in run.mounts {
            let mount = try scope.mount(flag)
            mounts.append(try await self.mount(mount, flag.word, agents, line))
            if mount.kind == .ssh { agents += 1 }
        }
        return mounts
    }

    private func mount(_ mount: MountSpec, _ word: Word, _ agents: Int, _ line: Int) async throws -> RunMount {
        let (target, isReadOnly) = (try target(of: mount, word), mount.isReadOnly)
        func place() throws -> ImagePath {
            guard let target else { throw Diagnostic(word.position, "--mount=\(word.text): target is required") }
            return target
        }
        switch mount.kind {
        case .bind:
            return .bind(try await bind(mount, line, of: mount.from), at: try place(), isReadOnly: isReadOnly)
        case .cache:
            let at = try place()
            return .cache(try await cache(mount, at, line), at: at, isReadOnly: isReadOnly)
        case .tmpfs:
            let size = mount.size > 0 ? Int(exactly: mount.size) : nil
            return .memory(size: size, at: try place(), isReadOnly: isReadOnly)
        case .secret: return .secret(try secret(mount, target))
        case .ssh:
            let at = try target ?? ImagePath("/run/buildkit/ssh_agent.\(agents)")
            return .agent(
                RunMount.AgentUse(
                    id: mount.id.isEmpty ? "default" : mount.id, isRequired: mount.isRequired, target: at,
                    owner: RunMount.Owner(mount, mode: 0o600)))
        }
    }

    /// Returns the target of the mount; nil for the default.
    private func target(of mount: MountSpec, _ word: Word) throws -> ImagePath? {
        guard !mount.target.isEmpty else { return nil }
        let path = try CopyPlan.absolute(mount.target, in: workingDirectory)
        guard !path.isRoot else { throw Diagnostic(word.position, "invalid mount target \"/\"") }
        return path
    }

    private func bind(_ mount: MountSpec, _ line: Int, of from: Word?) async throws -> RunMount.Bind {
        RunMount.Bind(origin: try await origin(of: from, line, allowsIndex: false), source: mount.source)
    }

    private func cache(_ mount: MountSpec, _ target: ImagePath, _ line: Int) async throws -> RunMount.CacheUse {
        let name = plan.scope.arguments.values["BUILDKIT_CACHE_MOUNT_NS"].map { "\($0)/" } ?? ""
        let id = try mount.id.isEmpty ? target.description : CopyPlan.absolute(mount.id, in: "/").description
        let seed = if let from = mount.from { try await bind(mount, line, of: from) } else { nil as RunMount.Bind? }
        return RunMount.CacheUse(
            id: name + (mount.id.isEmpty ? id : mount.id), sharing: CacheMounts.CacheSharing(mount.sharing),
            owner: RunMount.Owner(mount, mode: 0o755), seed: seed,
            seedName: mount.from.map { "\($0.text):\(mount.source)" } ?? "")
    }

    private func secret(_ mount: MountSpec, _ target: ImagePath?) throws -> RunMount.SecretUse {
        let named = [mount.id, mount.source].first { !$0.isEmpty }
        let fallback = target.map { String(decoding: $0.name, as: UTF8.self) } ?? mount.environmentName ?? ""
        let id = named ?? fallback
        let variable = mount.environmentName.map { $0.isEmpty ? id : $0 }
        let file = try target ?? (variable == nil ? ImagePath("/run/secrets/\(id)") : nil)
        return RunMount.SecretUse(
            id: id, isRequired: mount.isRequired, variable: variable, target: file,
            owner: RunMount.Owner(mount, mode: 0o400))
    }
}

// MARK: - Keys

extension RunMount {
    /// All inputs of the mount that need no file: everything except the content of bound files.
    var text: String {
        func line(_ kind: String, path: ImagePath?, isReadOnly: Bool, more: String...) -> String {
            ([kind, path?.description ?? "", isReadOnly ? "ro" : "rw"] + more).joined(separator: "\0")
        }
        return switch self {
        case .bind(let bind, let path, let isReadOnly):
            line("bind", path: path, isReadOnly: isReadOnly, more: bind.source)
        case .cache(_, let path, let isReadOnly): line("cache", path: path, isReadOnly: isReadOnly)
        case .memory(let size, let path, let isReadOnly):
            line("tmpfs", path: path, isReadOnly: isReadOnly, more: "\(size ?? 0)")
        case .secret(let use):
            line("secret", path: use.target, isReadOnly: true, more: use.id, use.variable ?? "", use.owner.text)
        case .agent(let use): line("ssh", path: use.target, isReadOnly: true, more: use.id, use.owner.text)
        }
    }

    /// The source of a bind mount; nil for others.
    var bound: Bind? { if case .bind(let bind, _, _) = self { bind } else { nil } }
}

extension CacheMounts.CacheSharing {
    fileprivate init(_ sharing: MountSpec.Sharing) {
        switch sharing {
        case .shared: self = .shared
        case .private: self = .private
        case .locked: self = .locked
        }
    }
}
