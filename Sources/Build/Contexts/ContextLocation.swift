public import OCI
public import SystemPackage

/// The requested location of a build's files; nothing has been read from it yet.
public enum ContextLocation: Sendable, Hashable {
    /// A directory of this machine.
    case directory(FilePath)
    /// A tar on standard input, optionally compressed, or a single Dockerfile.
    case standardInput
    /// A directory of a git repository.
    case git(GitLocation)
    /// A tar on the web, or a single Dockerfile.
    case web(String)
    /// An image by name, with its configuration.
    case image(Reference)
    /// No files.
    case scratch
    /// An image of an OCI layout directory, by tag or digest; nil for the only image.
    case layout(FilePath, String?)
    /// A stage of the Dockerfile itself.
    case stage(String)

    /// True if the files come from this machine, and no digest identifies them.
    var isLocal: Bool {
        switch self {
        case .directory, .standardInput: true
        default: false
        }
    }

    /// Parses the CONTEXT of a build: a directory, `-`, or the address of a repository or of a file.
    ///
    /// - Throws: ``BuildError/badContext(_:reason:)``.
    public init(context text: String) throws(BuildError) {
        if text == "-" {
            self = .standardInput
        } else {
            self = try Self.remote(text, allowsBare: true) ?? .directory(FilePath(text))
        }
    }

    /// Parses the VALUE of `--build-context NAME=VALUE`.
    ///
    /// - Throws: ``BuildError/badContext(_:reason:)``.
    public init(named text: String) throws(BuildError) {
        if let name = Self.rest(of: text, behind: "docker-image://") {
            self = try name == "scratch" ? .scratch : .image(Self.reference(name, text))
        } else if let place = Self.rest(of: text, behind: "oci-layout://") {
            self = try Self.layout(place, text)
        } else if let stage = Self.rest(of: text, behind: "target:") {
            guard !stage.isEmpty else { throw .badContext(text, reason: "names no stage") }
            self = .stage(stage)
        } else {
            guard !text.isEmpty else { throw .badContext(text, reason: "is empty") }
            self = try Self.remote(text, allowsBare: false) ?? .directory(FilePath(text))
        }
    }

    private static func remote(_ text: String, allowsBare: Bool) throws(BuildError) -> ContextLocation? {
        if let git = try GitLocation(text, allowsBare: allowsBare) { return .git(git) }
        guard let address = SourceAddress(text) else {
            guard !text.contains("://") else { throw .badContext(text, reason: "is not an address that can be read") }
            return nil
        }
        guard ["http", "https"].contains(address.scheme) else {
            throw .badContext(
                SourceAddress.redacted(text), reason: "begins with \(address.scheme)://, which is not a kind of context"
            )
        }
        return .web(text)
    }

    private static func rest(of text: String, behind prefix: String) -> String? {
        text.hasPrefix(prefix) ? String(text.dropFirst(prefix.count)) : nil
    }

    private static func reference(_ name: String, _ text: String) throws(BuildError) -> Reference {
        do {
            return try Reference(name)
        } catch {
            throw .badContext(text, reason: "names no image: \(error)")
        }
    }

    /// Parses `PATH[:TAG]` or `PATH@DIGEST`.
    private static func layout(_ place: String, _ text: String) throws(BuildError) -> ContextLocation {
        let mark = place.lastIndex(of: "@") ?? place.lastIndex(of: ":")
        guard let mark, !place[mark...].contains("/") else { return .layout(FilePath(place), nil) }
        let name = String(place[place.index(after: mark)...])
        if place[mark] == "@", (try? Digest(name)) == nil {
            throw .badContext(text, reason: "has a malformed digest")
        }
        guard mark > place.startIndex, !name.isEmpty else {
            throw .badContext(text, reason: "is not oci-layout://PATH[:TAG] or oci-layout://PATH@DIGEST")
        }
        return .layout(FilePath(String(place[..<mark])), name)
    }
}

/// The location of the Dockerfile.
public enum DockerfileLocation: Sendable, Hashable {
    /// In the context; nil means `Dockerfile`, or `dockerfile` if that is missing.
    case inContext(String?)
    /// A file of this machine.
    case file(FilePath)
    /// On standard input.
    case standardInput
    /// On the web.
    case web(String)
}
