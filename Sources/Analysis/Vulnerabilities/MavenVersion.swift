internal import ImageFiles

/// Maven's order (ComparableVersion): items of digits and letters, with lists after each `-` and each change between them.
enum MavenVersion {
    static func compare(_ left: String, _ right: String) -> VersionOrder.Relation {
        let (first, second) = (tokens(left), tokens(right))
        for index in 0..<max(first.count, second.count) {
            let one = index < first.count ? first[index] : padding(for: second[index])
            let two = index < second.count ? second[index] : padding(for: first[index])
            let relation = compare(one, two)
            if relation != .equal { return relation }
        }
        return .equal
    }

    /// A part with the separator before it.
    private struct VersionToken {
        let isAfterDash: Bool
        let text: ArraySlice<UInt8>

        var isNumber: Bool { text.first.map(VersionNumber.isDigit) ?? false }
        /// True for a part that says nothing, and so is removed at the end of a list.
        var isNull: Bool {
            isNumber ? text.allSatisfy { $0 == UInt8(ascii: "0") } : ["", "ga", "final", "release"].contains(text.text)
        }
    }

    private static let qualifiers = ["alpha", "beta", "milestone", "rc", "snapshot", "", "sp"]

    private static func tokens(_ version: String) -> [VersionToken] {
        var tokens: [VersionToken] = []
        var rest = Array(version.lowercased().utf8)[...]
        var isAfterDash = false
        while let first = rest.first {
            if first == UInt8(ascii: ".") || first == UInt8(ascii: "-") || first == UInt8(ascii: "_") {
                isAfterDash = first != UInt8(ascii: ".")
                rest = rest.dropFirst()
                continue
            }
            let isDigit = VersionNumber.isDigit(first)
            let part = rest.prefix {
                VersionNumber.isDigit($0) == isDigit && $0 != UInt8(ascii: ".") && $0 != UInt8(ascii: "-")
                    && $0 != UInt8(ascii: "_")
            }
            rest = rest.dropFirst(part.count)
            let isBeforeDigit = rest.first.map(VersionNumber.isDigit) ?? false
            tokens.append(VersionToken(isAfterDash: isAfterDash, text: isDigit ? part : full(part, isBeforeDigit)))
            // A change between digits and letters is a dash.
            isAfterDash = true
        }
        return trimmed(tokens)
    }

    private static func removeNulls(_ tokens: inout [VersionToken]) {
        while let last = tokens.last, last.isNull { tokens.removeLast() }
    }

    /// Returns a qualifier without abbreviation.
    private static func full(_ text: ArraySlice<UInt8>, _ isBeforeDigit: Bool) -> ArraySlice<UInt8> {
        let name =
            switch text.text {
            case "a" where isBeforeDigit: "alpha"
            case "b" where isBeforeDigit: "beta"
            case "m" where isBeforeDigit: "milestone"
            case "cr": "rc"
            default: text.text
            }
        return Array(name.utf8)[...]
    }

    /// Removes the parts that say nothing before each dash and each qualifier, and at the end.
    private static func trimmed(_ tokens: [VersionToken]) -> [VersionToken] {
        var result: [VersionToken] = []
        for token in tokens {
            if token.isAfterDash || !token.isNumber { removeNulls(&result) }
            result.append(token)
        }
        removeNulls(&result)
        return result
    }

    private static func padding(for token: VersionToken) -> VersionToken {
        VersionToken(isAfterDash: token.isAfterDash, text: token.isNumber ? Array("0".utf8)[...] : [])
    }

    /// Orders `qualifier` < `-number` < `.number`.
    private static func rank(_ token: VersionToken) -> Int { token.isNumber ? (token.isAfterDash ? 1 : 2) : 0 }

    private static func compare(_ left: VersionToken, _ right: VersionToken) -> VersionOrder.Relation {
        let kinds = VersionOrder.Relation(rank(left), rank(right))
        if kinds != .equal {
            return kinds
        }
        if left.isNumber { return VersionNumber.compare(left.text, right.text) }
        func place(_ text: ArraySlice<UInt8>) -> Int {
            let known = ["ga", "final", "release"].contains(text.text) ? "" : text.text
            return qualifiers.firstIndex(of: known) ?? qualifiers.count
        }
        let (first, second) = (place(left.text), place(right.text))
        if first == qualifiers.count, second == qualifiers.count { return VersionNumber.text(left.text, right.text) }
        return VersionOrder.Relation(first, second)
    }
}
