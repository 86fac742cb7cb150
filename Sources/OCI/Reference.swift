/// The name of an image: `[HOST[:PORT]/]PATH[:TAG][@DIGEST]`, normalised as Docker does it.
///
/// `debian` means `docker.io/library/debian:latest`; ``familiar`` is the short form.
public struct Reference: Hashable, Sendable, CustomStringConvertible {
    /// The registry's host and port; `docker.io` if none was written.
    public let host: String
    /// The repository's path on that host.
    public let path: String
    /// The tag; `latest` if neither a tag nor a digest was written.
    public let tag: String?
    /// The digest that the name is pinned to.
    public let digest: Digest?

    /// Parses and normalises a name (the grammar of distribution's `reference` package).
    public init(_ text: String) throws(OCIError) {
        var rest = Substring(text)
        var digest: Digest?
        if let at = rest.firstIndex(of: "@") {
            digest = try Digest(String(rest[rest.index(after: at)...]))
            rest = rest[..<at]
        }
        var tag: String?
        if let colon = rest.lastIndex(of: ":"), !rest[colon...].contains("/") {
            tag = String(rest[rest.index(after: colon)...])
            rest = rest[..<colon]
        }
        if let tag, !Self.isTag(tag) { throw .malformedReference(text, reason: "the tag '\(tag)' is not allowed") }
        let (host, path) = Self.split(rest)
        guard !path.isEmpty, path.split(separator: "/", omittingEmptySubsequences: false).allSatisfy(Self.isComponent)
        else {
            let isUpper = path.contains(where: \.isUppercase)
            throw .malformedReference(text, reason: isUpper ? "the name must be lower-case" : "the name is not allowed")
        }
        guard let first = host.utf8.first, Self.isWord(first) || first == UInt8(ascii: "["),
            host.utf8.allSatisfy(Self.isHostByte)
        else {
            throw .malformedReference(text, reason: "the host '\(host)' is not allowed")
        }
        self.host = host
        self.path = path
        self.tag = tag ?? (digest == nil ? "latest" : nil)
        self.digest = digest
    }

    /// The full name, including the host.
    public var description: String { "\(host)/\(path)" + suffix }

    /// The short name, without `docker.io/library/`.
    public var familiar: String {
        guard host == "docker.io" else { return description }
        return (path.hasPrefix("library/") ? String(path.dropFirst("library/".count)) : path) + suffix
    }

    private var suffix: String { (tag.map { ":\($0)" } ?? "") + (digest.map { "@\($0)" } ?? "") }

    private static func split(_ name: Substring) -> (host: String, path: String) {
        if let slash = name.firstIndex(of: "/") {
            let first = name[..<slash]
            if first.contains(".") || first.contains(":") || first == "localhost"
                || first.contains(where: \.isUppercase)
            {
                let path = String(name[name.index(after: slash)...])
                let isHub = first == "docker.io" || first == "index.docker.io"
                return isHub ? ("docker.io", path.contains("/") ? path : "library/\(path)") : (String(first), path)
            }
            return ("docker.io", String(name))
        }
        return ("docker.io", name.isEmpty ? "" : "library/\(name)")
    }

    private static func isTag(_ text: String) -> Bool {
        guard let first = text.utf8.first, text.utf8.count <= 128 else { return false }
        return isWord(first)
            && text.utf8.allSatisfy { isWord($0) || $0 == UInt8(ascii: ".") || $0 == UInt8(ascii: "-") }
    }

    /// `[a-z0-9]+([._-]+[a-z0-9]+)*`, with the finer rules for runs of separators left to registries.
    private static func isComponent(_ text: Substring) -> Bool {
        guard let first = text.utf8.first, let last = text.utf8.last else { return false }
        return isLowerAlphanumeric(first) && isLowerAlphanumeric(last)
            && text.utf8.allSatisfy { isLowerAlphanumeric($0) || "._-".utf8.contains($0) }
    }

    private static func isHostByte(_ byte: UInt8) -> Bool {
        isWord(byte) || ".-:[]".utf8.contains(byte)
    }

    private static func isLowerAlphanumeric(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte) || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
    }

    private static func isWord(_ byte: UInt8) -> Bool {
        isLowerAlphanumeric(byte) || (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte) || byte == UInt8(ascii: "_")
    }
}
