/// The text of an HTTP probe: `PORT/PATH` or `//HOST:PORT/PATH`, and options such as `method=POST` after it.
struct HTTPProbeText {
    /// The probe that the text describes.
    private(set) var probe: HTTPProbe

    /// A reason to refuse the text; it ends a sentence.
    struct Refusal: Error {
        let reason: String
    }

    /// Reads the words of a text.
    init(_ words: [String]) throws(Refusal) {
        guard let target = words.first else { throw Refusal(reason: "there is no port after http:") }
        probe = try HTTPProbeText.target(target)
        for word in words.dropFirst() { try add(word) }
    }

    private static func target(_ text: String) throws(Refusal) -> HTTPProbe {
        let isURL = text.hasPrefix("//")
        let rest = isURL ? text.dropFirst(2) : text[...]
        let slash = rest.firstIndex(of: "/") ?? rest.endIndex
        let authority = rest[..<slash]
        let path = slash == rest.endIndex ? "/" : String(rest[slash...])
        guard path.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else {
            throw Refusal(reason: "a path must not have spaces or control characters; escape them with %")
        }
        let colon = isURL ? authority.lastIndex(of: ":") : nil
        let digits = isURL ? colon.map { authority[authority.index(after: $0)...] } ?? "80" : authority
        var probe = HTTPProbe(port: try port(digits), path: Array(path.utf8))
        guard isURL else { return probe }
        guard !authority.isEmpty, authority.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "@") })
        else { throw Refusal(reason: "'\(authority)' is not a host with a port") }
        probe.host = Array(authority.utf8)
        return probe
    }

    private static func port(_ digits: Substring) throws(Refusal) -> UInt16 {
        guard digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let port = UInt16(digits), port > 0 else {
            throw Refusal(reason: "'\(digits)' is not a port from 1 to 65535")
        }
        return port
    }

    private mutating func add(_ word: String) throws(Refusal) {
        guard let equals = word.firstIndex(of: "=") else { throw HTTPProbeText.unknown(word) }
        let value = String(word[word.index(after: equals)...])
        switch word[..<equals] {
        case "method":
            guard !value.isEmpty, value.utf8.allSatisfy({ (0x41...0x5A).contains($0) }) else {
                throw Refusal(reason: "'\(value)' is not a method such as POST")
            }
            probe.method = Array(value.utf8)
        case "header":
            guard let colon = value.firstIndex(of: ":"), colon != value.startIndex,
                value[..<colon].utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }),
                value.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7F })
            else { throw Refusal(reason: "'\(value)' is not a header field such as 'Accept: text/html'") }
            probe.headers.append(Array(value.utf8))
        case "body": probe.body = Array(value.utf8)
        case "contains": probe.wanted = Array(value.utf8)
        case "status": probe.statuses = try HTTPProbeText.statuses(value)
        default: throw HTTPProbeText.unknown(word)
        }
    }

    private static func unknown(_ word: String) -> Refusal {
        Refusal(
            reason: "'\(word)' is not an option; they are method=, header=, body=, status= and contains=, in quotes "
                + "where they have spaces")
    }

    /// Parses a list such as `200,301-308`.
    private static func statuses(_ text: String) throws(Refusal) -> [HTTPProbe.Statuses] {
        var statuses: [HTTPProbe.Statuses] = []
        for part in text.split(separator: ",", omittingEmptySubsequences: false) {
            let ends = part.split(separator: "-", maxSplits: 1, omittingEmptySubsequences: false).map { UInt16($0) }
            guard let first = ends[0], let last = ends[ends.count - 1], first <= last, first >= 200, last <= 599 else {
                throw Refusal(reason: "'\(part)' is not a status from 200 to 599, or a range such as 200-299")
            }
            statuses.append(HTTPProbe.Statuses(first, last))
        }
        return statuses
    }
}

extension HTTPProbe {
    /// The words of the text, not yet quoted.
    var words: [String] {
        func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }
        var words = [host.isEmpty ? "\(port)\(text(path))" : "//\(text(host))\(text(path))"]
        if method != HTTPProbe(port: port, path: path).method { words.append("method=\(text(method))") }
        words += headers.map { "header=\(text($0))" }
        if !body.isEmpty { words.append("body=\(text(body))") }
        if !statuses.isEmpty {
            let list = statuses.map { $0.first == $0.last ? "\($0.first)" : "\($0.first)-\($0.last)" }
            words.append("status=\(list.joined(separator: ","))")
        }
        if !wanted.isEmpty { words.append("contains=\(text(wanted))") }
        return words
    }
}
