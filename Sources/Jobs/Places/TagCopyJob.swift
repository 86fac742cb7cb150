internal import Frontend
internal import Linux
public import OCI
internal import Registry

/// The tags that a copy of several tags takes.
public struct TagFilter: Sendable {
    private let wanted: [PathPattern]
    private let unwanted: [PathPattern]

    /// Parses patterns with `*`, `?` and `[a-z]`; one that begins with `!` excludes tags.
    ///
    /// Without patterns that include tags, all are taken.
    public init(_ patterns: [String]) throws {
        func compiled(_ texts: [Substring]) throws -> [PathPattern] {
            try texts.map { text in
                guard let pattern = PathPattern(text.utf8) else {
                    throw Failure("--tags '\(text)' is not a pattern", status: .usage)
                }
                return pattern
            }
        }
        wanted = try compiled(patterns.filter { !$0.hasPrefix("!") }.map { $0[...] })
        unwanted = try compiled(patterns.filter { $0.hasPrefix("!") }.map { $0.dropFirst() })
    }

    /// True if the tag is taken.
    func takes(_ tag: String) -> Bool {
        (wanted.isEmpty || wanted.contains { $0.matches(tag.utf8) }) && !unwanted.contains { $0.matches(tag.utf8) }
    }
}

/// A place of several tags: a repository of a registry or of the store, or a layout.
public enum TagPlace: Sendable {
    case registry(Reference)
    case store(Reference)
    case layout(Transport)

    /// Parses the place; one that names a tag or a digest is a usage failure, like one of another kind.
    public init(_ text: String) throws {
        let place = try Transport(text)
        let name = text.split(separator: "/").last ?? ""
        switch place {
        case .registry(let reference) where !name.contains(where: ":@".contains): self = .registry(reference)
        case .store(let reference) where !name.contains(where: ":@".contains): self = .store(reference)
        case .layout(_, tag: nil): self = .layout(place)
        case .registry, .store, .layout:
            throw Failure("'\(text)' names one image, but --all-tags copies a whole repository", status: .usage)
        default:
            throw Failure(
                "--all-tags cannot use '\(text)'",
                remedy: "use docker://REPOSITORY, a repository of the store, or oci:DIR", status: .usage)
        }
    }

    /// Returns the place of one of its tags.
    func place(of tag: String) throws -> Transport {
        switch self {
        case .registry(let name): .registry(try name.tagged(tag))
        case .store(let name): .store(try name.tagged(tag))
        case .layout(.layout(let path, _)): .layout(path, tag: tag)
        case .layout(let other): other
        }
    }
}

extension CopyJob {
    /// Returns the tags at a place that the filter takes, in the place's order; without any it throws.
    public func tags(of source: TagPlace, named name: String, _ filter: TagFilter) async throws -> [String] {
        let all = try await tags(of: source)
        let taken = all.filter(filter.takes)
        guard !taken.isEmpty else {
            throw Failure(
                all.isEmpty ? "'\(name)' has no tags" : "none of the \(all.count) tags of '\(name)' matches --tags")
        }
        return taken
    }

    private func tags(of source: TagPlace) async throws -> [String] {
        switch source {
        case .registry(let name): return try await client.tags(of: name)
        case .store(let name):
            return try store.images().compactMap { entry in
                // Another program may have given a name of another form.
                guard let found = try? Reference(entry.name) else { return nil }
                return found.host == name.host && found.path == name.path ? found.tag : nil
            }
        case .layout(.layout(let path, _)):
            return try Layout(at: path).images().compactMap { $0.names.first?.tag ?? $0.tag }
        case .layout: return []
        }
    }

    /// Copies one tag from one place to another, and returns its digest.
    public func copy(
        tag: String, from source: TagPlace, to target: TagPlace, platform: Platform?, keepsDigest: Bool
    ) async throws -> Digest {
        let name = "\(tag)"
        do {
            return try await copy(
                try source.place(of: tag), named: name, to: try target.place(of: tag), platform: platform,
                keepsDigest: keepsDigest)
        } catch let error where !(error is CancellationError) {
            let failure = Failure(error)
            throw Failure("tag '\(tag)': \(failure.message)", remedy: failure.remedy, status: failure.status)
        }
    }
}

extension Reference {
    /// Returns the name with another tag.
    fileprivate func tagged(_ tag: String) throws -> Reference { try Reference("\(host)/\(path):\(tag)") }
}
