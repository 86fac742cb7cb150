/// A place in a git repository: a remote, what to take of it, and how.
///
/// ```
/// https://HOST/PATH.git#REF:SUBDIR       or  ?ref= tag= branch= commit= checksum= subdir= keep-git-dir= submodules= ...
/// git@HOST:PATH  ssh://HOST/PATH  git://HOST/PATH  github.com/OWNER/NAME
/// ```
public struct GitLocation: Sendable, Hashable, CustomStringConvertible {
    /// What git is told to fetch from.
    public let remote: String
    /// A branch, a tag, a full name below `refs/`, or a commit; nil for the remote's HEAD.
    public private(set) var ref: String?
    /// The directory that counts, without slashes at its ends; empty for all.
    public private(set) var subdirectory = ""
    /// The first hex digits of the commit, or of the tag, that it must be.
    public private(set) var checksum: String?
    /// Whether `.git` is kept; nil where the address doesn't say.
    public private(set) var keepsGitDirectory: Bool?
    /// Whether submodules come along.
    public private(set) var hasSubmodules = true
    /// Whether the commit itself is asked for, not what the ref names by now.
    public private(set) var fetchesByCommit = false

    public var description: String {
        let place = [ref ?? "", subdirectory].joined(separator: ":")
        return SourceAddress.redacted(remote) + (place == ":" ? "" : "#" + (place.hasSuffix(":") ? ref ?? "" : place))
    }

    /// Reads an address; nil for one that names no repository.
    ///
    /// - Parameter allowsBare: whether `github.com/owner/name` counts, as it does for a context.
    /// - Throws: ``BuildError/badContext(_:reason:)`` for a repository's address that is malformed.
    public init?(_ text: String, allowsBare: Bool = false) throws(BuildError) {
        if allowsBare, text.hasPrefix("github.com/") {
            guard let address = SourceAddress("https://" + text) else { return nil }
            try self.init(address.base, address.query, address.fragment, as: text)
            return
        }
        if let address = SourceAddress(text) {
            switch address.scheme {
            case "git", "ssh": break
            case "http", "https": if !address.path.hasSuffix(".git") { return nil }
            default: return nil
            }
            try self.init(address.base, address.query, address.fragment, as: text)
            return
        }
        guard let (remote, query, fragment) = Self.shortForm(text) else { return nil }
        try self.init(remote, SourceAddress("ssh://host/?\(query ?? "")")?.query ?? [], fragment, as: text)
    }

    private init(
        _ remote: String, _ query: [(name: String, value: String?)], _ fragment: String?, as text: String
    ) throws(BuildError) {
        self.remote = remote
        try take(fragment)
        try take(query, of: text)
        try check(text)
    }

    /// `USER@HOST:PATH`, as scp writes it.
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

    /// `REF[:SUBDIR]`.
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
            case "ref": try setRef(value, name, text) { $0 }
            case "tag": try setRef(value, name, text) { $0.hasPrefix("refs/tags/") ? $0 : "refs/tags/" + $0 }
            case "branch":
                try setRef(value, name, text) { $0.hasPrefix("refs/heads/") ? $0 : "refs/heads/" + $0 }
            case "subdir":
                let path = try Self.word(value, name, text)
                if !subdirectory.isEmpty, subdirectory != path { throw Self.conflict(text, name) }
                subdirectory = path
            case "commit", "checksum":
                let hash = try Self.word(value, name, text).lowercased()
                if let checksum, checksum != hash { throw Self.conflict(text, name) }
                checksum = hash
            case "keep-git-dir": keepsGitDirectory = try Self.flag(value, name, text)
            case "submodules": hasSubmodules = try Self.flag(value, name, text)
            case "fetch-by-commit": fetchesByCommit = try Self.flag(value, name, text)
            case "mtime":
                // Files get the commit's time whatever is asked for: the time of a checkout would repeat nothing.
                guard ["commit", "checkout"].contains(try Self.word(value, name, text)) else {
                    throw Self.fault(text, "has an 'mtime' that is neither commit nor checkout")
                }
            default: throw Self.fault(text, "has the unknown field '\(name)' in its query")
            }
        }
    }

    private mutating func setRef(
        _ value: String?, _ field: String, _ text: String, _ full: (String) -> String
    ) throws(BuildError) {
        let name = full(try Self.word(value, field, text))
        if let ref, ref != name { throw Self.conflict(text, field) }
        ref = name
    }

    /// Nothing here may be taken for an option of git, or lead out of the repository.
    private mutating func check(_ text: String) throws(BuildError) {
        let isPlain = { (part: String) in
            part.first != "-" && part.utf8.allSatisfy { $0 > 0x20 && $0 != 0x7f && !"~^:?*[\\".utf8.contains($0) }
        }
        if let ref {
            guard isPlain(ref), !ref.contains(".."), !ref.contains("@{") else {
                throw Self.fault(text, "names '\(ref)', which can be no branch, tag or commit")
            }
        }
        if let checksum {
            guard (7...64).contains(checksum.count), checksum.utf8.allSatisfy(Self.isHexDigit) else {
                throw Self.fault(text, "has a checksum that is not a commit's")
            }
            if let ref, Self.isCommit(ref), !ref.hasPrefix(checksum) { throw Self.conflict(text, "checksum") }
        }
        if fetchesByCommit, commit == nil { throw Self.fault(text, "is to be fetched by commit, and names none") }
        var names: [Substring] = []
        for part in subdirectory.split(separator: "/") where part != "." {
            if part == ".." { _ = names.popLast() } else { names.append(part) }
        }
        subdirectory = names.joined(separator: "/")
        guard !subdirectory.contains("\0") else { throw Self.fault(text, "names a directory with a NUL byte") }
    }

    /// The whole commit, where the address says it.
    public var commit: String? {
        if let ref, Self.isCommit(ref) { return ref }
        return checksum.flatMap { ref == nil || fetchesByCommit ? (Self.isCommit($0) ? $0 : nil) : nil }
    }

    /// The same place with what an instruction says besides.
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

    /// Whether a name is a whole commit, of SHA-1 or SHA-256.
    static func isCommit(_ text: String) -> Bool {
        (text.utf8.count == 40 || text.utf8.count == 64) && text.utf8.allSatisfy(isHexDigit)
    }

    private static func isHexDigit(_ byte: UInt8) -> Bool { "0123456789abcdef".utf8.contains(byte) }

    private static func word(_ value: String?, _ name: String, _ text: String) throws(BuildError) -> String {
        guard let value, !value.isEmpty else { throw fault(text, "has no value for '\(name)' in its query") }
        return value
    }

    /// Bare, it means true.
    private static func flag(_ value: String?, _ name: String, _ text: String) throws(BuildError) -> Bool {
        switch value ?? "true" {
        case "", "1", "true": return true
        case "0", "false": return false
        default: throw fault(text, "has a '\(name)' that is neither true nor false")
        }
    }

    private static func conflict(_ text: String, _ name: String) -> BuildError {
        fault(text, "says two different things with '\(name)'")
    }

    private static func fault(_ text: String, _ reason: String) -> BuildError {
        .badContext(SourceAddress.redacted(text), reason: reason)
    }
}
