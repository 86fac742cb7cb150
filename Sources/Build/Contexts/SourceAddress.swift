/// A parsed address on the web or of a repository: `SCHEME://[USER@]HOST[:PORT]/PATH[?QUERY][#FRAGMENT]`.
///
/// It checks only what contexts and ADD need; the code that fetches the address checks the rest.
struct SourceAddress: Sendable, Hashable {
    let scheme: String
    /// `USER@HOST:PORT` as written.
    let authority: String
    /// The path with its leading slash; empty if there is none.
    let path: String
    /// The fields of the query in their order, decoded; the value is nil for a field without `=`.
    let query: [(name: String, value: String?)]
    let fragment: String?
    /// The address without query and fragment.
    var base: String { "\(scheme)://\(authority)\(path)" }

    /// Parses an address; nil for a text without `SCHEME://HOST`.
    init?(_ text: String) {
        guard let mark = text.firstRange(of: "://") else { return nil }
        let scheme = text[..<mark.lowerBound]
        guard !scheme.isEmpty, scheme.utf8.allSatisfy(Self.isSchemeByte), text.utf8.allSatisfy({ $0 > 0x20 }) else {
            return nil
        }
        var rest = text[mark.upperBound...]
        fragment = Self.cut(&rest, at: "#").map { Self.decoded($0) }
        let query = Self.cut(&rest, at: "?")
        let slash = rest.firstIndex(of: "/") ?? rest.endIndex
        guard slash > rest.startIndex else { return nil }
        self.scheme = scheme.lowercased()
        authority = String(rest[..<slash])
        path = String(rest[slash...])
        self.query = (query ?? "").split(separator: "&").map(Self.field)
    }

    /// The host and its port in lower case, without a user.
    var host: String { (authority.split(separator: "@").last.map(String.init) ?? authority).lowercased() }

    /// The last component of the path, decoded; nil if it is empty or not a file name.
    var fileName: String? {
        guard let name = path.split(separator: "/", omittingEmptySubsequences: false).last else { return nil }
        let text = Self.decoded(name)
        return text.isEmpty || text == "." || text == ".." || text.contains("/") || text.contains("\0") ? nil : text
    }

    /// Returns the address for messages, without a password.
    static func redacted(_ text: String) -> String {
        guard let mark = text.firstRange(of: "://") else { return text }
        let rest = text[mark.upperBound...]
        let end = rest.firstIndex { "/?#".contains($0) } ?? rest.endIndex
        let isWeb = text.lowercased().hasPrefix("http")
        guard let at = rest[..<end].lastIndex(of: "@"), isWeb || rest[..<at].contains(":") else { return text }
        // On the web the user may be a token; for ssh it is a name.
        let user = isWeb ? "xxxxx" : rest[..<at].prefix { $0 != ":" } + ":xxxxx"
        return text[..<mark.upperBound] + user + rest[at...]
    }

    /// Returns the address without user and password.
    static func withoutUser(_ text: String) -> String {
        guard let address = SourceAddress(text), ["http", "https"].contains(address.scheme),
            let at = address.authority.lastIndex(of: "@")
        else { return text }
        return "\(address.scheme)://\(address.authority[address.authority.index(after: at)...])\(address.path)"
    }

    static func == (left: SourceAddress, right: SourceAddress) -> Bool {
        left.base == right.base && left.fragment == right.fragment
            && left.query.map(\.name) == right.query.map(\.name)
            && left.query.map(\.value) == right.query.map(\.value)
    }

    func hash(into hasher: inout Hasher) { hasher.combine(base) }

    /// Removes and returns the text after the first `mark`; removes the mark too.
    private static func cut(_ text: inout Substring, at mark: Character) -> Substring? {
        guard let index = text.firstIndex(of: mark) else { return nil }
        defer { text = text[..<index] }
        return text[text.index(after: index)...]
    }

    private static func field(_ text: Substring) -> (name: String, value: String?) {
        let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        return (decoded(parts[0], plus: true), parts.count > 1 ? decoded(parts[1], plus: true) : nil)
    }

    /// Decodes `%20` and, in a query, `+`; other text stays.
    private static func decoded(_ text: Substring, plus: Bool = false) -> String {
        var bytes: [UInt8] = []
        var rest = Array(text.utf8)[...]
        while let byte = rest.popFirst() {
            if byte == UInt8(ascii: "%"), let value = UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16),
                rest.count > 1, rest.first != UInt8(ascii: "+"), rest.first != UInt8(ascii: "-")
            {
                bytes.append(value)
                rest = rest.dropFirst(2)
            } else {
                bytes.append(plus && byte == UInt8(ascii: "+") ? UInt8(ascii: " ") : byte)
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    private static func isSchemeByte(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20) || "0123456789+-.".utf8.contains(byte)
    }
}
