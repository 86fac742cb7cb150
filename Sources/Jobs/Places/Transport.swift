public import OCI
public import SystemPackage

/// The place of an image, in skopeo's syntax.
public enum Transport: Sendable {
    /// The local store.
    case store(Reference)
    /// A directory with an OCI layout.
    case layout(FilePath, tag: String?)
    /// A tar of an OCI layout.
    case ociArchive(FilePath, tag: String?)
    /// A tar as of `docker save`.
    case dockerArchive(FilePath, name: String?)
    /// The Docker engine.
    case docker(Reference)
    /// Podman's storage.
    case podman(Reference)
    /// A registry.
    case registry(Reference)

    /// Parses the text of a command line; a malformed one is a usage failure.
    public init(_ text: String) throws {
        guard let colon = text.firstIndex(of: ":") else {
            self = .store(try reference(text))
            return
        }
        let rest = text[text.index(after: colon)...]
        /// `PATH[:NAME]`
        func place() throws -> (FilePath, String?) {
            let parts = rest.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            guard let path = parts.first, !path.isEmpty else {
                throw Failure("'\(text)' has no path", status: .usage)
            }
            return (FilePath(path), parts.count > 1 ? parts[1] : nil)
        }
        switch text[..<colon] {
        case "oci":
            let (path, tag) = try place()
            self = .layout(path, tag: tag)
        case "oci-archive":
            let (path, tag) = try place()
            self = .ociArchive(path, tag: tag)
        case "docker-archive":
            let (path, name) = try place()
            self = .dockerArchive(path, name: name)
        case "docker-daemon": self = .docker(try reference(String(rest)))
        case "containers-storage": self = .podman(try reference(String(rest)))
        case "docker" where rest.hasPrefix("//"):
            self = .registry(try reference(String(rest.dropFirst(2))))
        case "dir", "ostree", "sif",
            "tarball" where rest.hasPrefix("/") || rest.hasPrefix("."):
            throw Failure(
                "'\(text)': thaw has no transport '\(text.prefix { $0 != ":" })'",
                remedy:
                    "use oci:, oci-archive:, docker-archive:, docker-daemon:, containers-storage: or docker://",
                status: .usage)
        default: self = .store(try reference(text))
        }
    }
}
