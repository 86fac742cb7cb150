/// A location in a git repository: the remote, the ref and directory, and the options.
///
/// ```
/// https://HOST/PATH.git#REF:SUBDIR       or  ?ref= tag= branch= commit= checksum= subdir= keep-git-dir= submodules= ...
/// git@HOST:PATH  ssh://HOST/PATH  git://HOST/PATH  github.com/OWNER/NAME
/// ```
public struct GitLocation: Sendable, Hashable, CustomStringConvertible {
    /// The remote that git fetches from.
    public let remote: String
    /// A branch, a tag, a full name below `refs/`, or a commit; nil for the remote's HEAD.
    public private(set) var ref: String?
    /// The directory to use, without slashes at its ends; empty for all.
    public private(set) var subdirectory = ""
    /// The first hex digits of the expected commit or tag.
    public private(set) var checksum: String?
    /// True if `.git` is kept; nil if the address doesn't specify it.
    public private(set) var keepsGitDirectory: Bool?
    /// True if submodules are fetched too.
    public private(set) var hasSubmodules = true
    /// True if the commit itself is fetched, not the current target of the ref.
    public private(set) var fetchesByCommit = false

    public var description: String {
        let place = [ref ?? "", subdirectory].joined(separator: ":")
        return SourceAddress.redacted(remote) + (place == ":" ? "" : "#" + (place.hasSuffix(":") ? ref ?? "" : place))
    }

    /// Parses an address; nil if it isn't that of a repository.
    ///
    /// - Parameter allowsBare: Accepts `github.com/owner/name`, as for a context.
    /// - Throws: ``BuildError/badContext(_:reason:)`` for a malformed address of a repository.
    public init?(_ text: String, allowsBare: Bool = false) throws(BuildError) {
        if allowsBare, text.hasPrefix("github.com/") {
            guard let address = SourceAddress("https://" + text) else { return nil }
            try self.init(address.base, query: address.query, fragment: address.fragment, as: text)
            return
        }
        if let address = SourceAddress(text) {
            switch address.scheme {
            case "git", "ssh": break
            case "http", "https": if !address.path.hasSuffix(".git") { return nil }
            default: return nil
            }
            try self.init(address.base, query: address.query, fragment: address.fragment, as: text)
            return
        }
        guard let (remote, query, fragment) = Self.shortForm(text) else { return nil }
        let pairs = SourceAddress("ssh://host/?\(query ?? "")")?.query ?? []
        try self.init(remote, query: pairs, fragment: fragment, as: text)
    }

    private init(
        _ remote: String, query: [(name: String, value: String?)], fragment: String?, as text: String
    ) throws(BuildError) {
        self.remote = remote
        try take(fragment)
        try take(query, of: text)
        try check(text)
    }

    /// Parses `USER@HOST:PATH`, the form of scp.
    private static func shortForm(_ text: String) -> (remote: String, query: String?, fragment: String?)? {
        guard !text.contains("://"), let at = text.firstIndex(of: "@"), let colon = text.firstIndex(of: ":"), at < colon
        else { return nil }
        let (user, host) = (text[..<at], text[text.index(after: at)..<colon])
        let isWord = { (part: Substring) in
            !part.isEmpty && part.first != "-" && part.utf8.allSatisfy { $0 > 0x20 && !"/?#@\\".utf8.contains($0) }
        }
        guard isWord(user), isWord(host) else { return nil }
        var rest = text[...]
        var fragment: String?
        var query: String?
        if let index = rest.firstIndex(of: "#") {
            fragment = String(rest[rest.index(after: index)...])
            rest = rest[..<index]
        }
        if let index = rest.firstIndex(of: "?") {
            query = String(rest[rest.index(after: index)...])
            rest = rest[..<index]
        }
        return (String(rest), query, fragment)
    }

    /// Parses `REF[:SUBDIR]`.
    private mutating func take(_ fragment: String?) throws(BuildError) {
        guard let fragment, !fragment.isEmpty else { return }
        let parts = fragment.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        if !parts[0].isEmpty { ref = parts[0] }
        if parts.count > 1 { subdirectory = parts[1] }
    }

    private mutating func take(_ fields: [(name: String, value: String?)], of text: String) throws(BuildError) {
        var seen: Set<String> = []
        for (name, value) in fields {
            guard seen.insert(name).inserted else { throw Self.fault(text, "has '\(name)' twice in its query") }
            switch name {
            case "ref": try setRef(value, from: name, of: text) { $0 }
            case "tag": try setRef(value, from: name, of: text) { $0.hasPrefix("refs/tags/") ? $0 : "refs/tags/" + $0 }
            case "branch":
                try setRef(value, from: name, of: text) { $0.hasPrefix("refs/heads/") ? $0 : "refs/heads/" + $0 }
            case "subdir":
                let path = try Self.word(value, name: name, of: text)
                if !subdirectory.isEmpty, subdirectory != path { throw Self.conflict(text, name) }
                subdirectory = path
            case "commit", "checksum":
                let hash = try Self.word(value, name: name, of: text).lowercased()
                if let checksum, checksum != hash { throw Self.conflict(text, name) }
                checksum = hash
            case "keep-git-dir": keepsGitDirectory = try Self.flag(value, name: name, of: text)
            case "submodules": hasSubmodules = try Self.flag(value, name: name, of: text)
            case "fetch-by-commit": fetchesByCommit = try Self.flag(value, name: name, of: text)
            case "mtime":
                // Files always get the commit's time: the time of the checkout would not be reproducible.
                guard ["commit", "checkout"].contains(try Self.word(value, name: name, of: text)) else {
                    throw Self.fault(text, "has an 'mtime' that is neither commit nor checkout")
                }
            default: throw Self.fault(text, "has the unknown field '\(name)' in its query")
            }
        }
    }

    private mutating func setRef(
        _ value: String?, from field: String, of text: String, full: (String) -> String
    ) throws(BuildError) {
        let name = full(try Self.word(value, name: field, of: text))
        if let ref, ref != name { throw Self.conflict(text, field) }
        ref = name
    }

    /// Checks that no part can be an option of git or lead out of the repository.
    private mutating func check(_ text: String) throws(BuildError) {
        let isPlain = { (part: String) in
            part.first != "-" && part.utf8.allSatisfy { $0 > 0x20 && $0 != 0x7f && !"~^:?*[\\".utf8.contains($0) }
        }
        if let ref {
            guard isPlain(ref), !ref.contains(".."), !ref.contains("@{") else {
                throw Self.fault(text, "names '\(ref)', which can't be a branch, tag or commit")
            }
        }
        if let checksum {
            guard (7...64).contains(checksum.count), checksum.utf8.allSatisfy(Self.isHexDigit) else {
                throw Self.fault(text, "has a checksum that is not a commit's")
            }
            if let ref, Self.isCommit(ref), !ref.hasPrefix(checksum) { throw Self.conflict(text, "checksum") }
        }
        if fetchesByCommit, commit == nil { throw Self.fault(text, "has fetch-by-commit, but no commit") }
        var names: [Substring] = []
        for part in subdirectory.split(separator: "/") where part != "." {
            if part == ".." { _ = names.popLast() } else { names.append(part) }
        }
        subdirectory = names.joined(separator: "/")
        guard !subdirectory.contains("\0") else { throw Self.fault(text, "names a directory with a NUL byte") }
    }

    /// The whole commit, if the address contains it.
    public var commit: String? {
        if let ref, Self.isCommit(ref) { return ref }
        return checksum.flatMap { ref == nil || fetchesByCommit ? (Self.isCommit($0) ? $0 : nil) : nil }
    }

    /// Returns the same location with the options of an instruction.
    func adding(checksum text: String?, keepsGitDirectory keeps: Bool) throws(BuildError) -> GitLocation {
        var copy = self
        if keeps, keepsGitDirectory == nil { copy.keepsGitDirectory = true }
        guard let text else { return copy }
        let hash = text.lowercased()
        if let checksum, checksum != hash { throw Self.conflict(description, "--checksum") }
        copy.checksum = hash
        try copy.check(description)
        return copy
    }

    /// True if a name is a whole commit hash, SHA-1 or SHA-256.
    static func isCommit(_ text: String) -> Bool {
        (text.utf8.count == 40 || text.utf8.count == 64) && text.utf8.allSatisfy(isHexDigit)
    }

    private static func isHexDigit(_ byte: UInt8) -> Bool { "0123456789abcdef".utf8.contains(byte) }

    private static func word(_ value: String?, name: String, of text: String) throws(BuildError) -> String {
        guard let value, !value.isEmpty else { throw fault(text, "has no value for '\(name)' in its query") }
        return value
    }

    /// Parses a Boolean; a field without a value is true.
    private static func flag(_ value: String?, name: String, of text: String) throws(BuildError) -> Bool {
        switch value ?? "true" {
        case "", "1", "true": return true
        case "0", "false": return false
        default: throw fault(text, "has a '\(name)' that is neither true nor false")
        }
    }

    private static func conflict(_ text: String, _ name: String) -> BuildError {
        fault(text, "has conflicting values of '\(name)'")
    }

    private static func fault(_ text: String, _ reason: String) -> BuildError {
        .badContext(SourceAddress.redacted(text), reason: reason)
    }
}
