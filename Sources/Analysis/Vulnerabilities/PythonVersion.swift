internal import ImageFiles

/// The order of PEP 440: epoch, release, pre-release, post-release, development release, local version.
enum PythonVersion {
    static func compare(_ left: String, _ right: String) -> VersionOrder.Relation {
        let (first, second) = (Parts(left), Parts(right))
        return VersionNumber.compare(first.epoch, second.epoch)
            .orElse(VersionNumber.lists(first.release, second.release, absent: [], by: VersionNumber.compare))
            .orElse(number(first.pre, second.pre)).orElse(number(first.post, second.post))
            .orElse(number(first.development, second.development)).orElse(local(first.local, second.local))
    }

    /// A number after a word; the rank orders words, and a version without one.
    private typealias Numbered = (rank: Int, number: ArraySlice<UInt8>)

    private static func number(_ left: Numbered, _ right: Numbered) -> VersionOrder.Relation {
        VersionOrder.Relation(left.rank, right.rank).orElse(VersionNumber.compare(left.number, right.number))
    }

    /// Compares local versions: a number is greater than a word, and any local version than none.
    private static func local(_ left: [ArraySlice<UInt8>], _ right: [ArraySlice<UInt8>]) -> VersionOrder.Relation {
        for (first, second) in zip(left, right) {
            let isNumber = (first.allSatisfy(VersionNumber.isDigit), second.allSatisfy(VersionNumber.isDigit))
            let relation: VersionOrder.Relation =
                switch isNumber {
                case (true, true): VersionNumber.compare(first, second)
                case (true, false): .greater
                case (false, true): .less
                case (false, false): VersionNumber.text(first, second)
                }
            if relation != .equal { return relation }
        }
        return VersionOrder.Relation(left.count, right.count)
    }

    private struct Parts {
        var epoch: ArraySlice<UInt8> = []
        var release: [ArraySlice<UInt8>] = []
        /// Ranks: 0 only a development release, 1 a, 2 b, 3 rc, 4 none.
        var pre: Numbered = (4, [])
        var post: Numbered = (0, [])
        var development: Numbered = (1, [])
        var local: [ArraySlice<UInt8>] = []

        init(_ version: String) {
            var rest = Array(version.lowercased().utf8)[...].drop { $0 == UInt8(ascii: "v") || $0 == 0x20 }
            if let plus = rest.firstIndex(of: UInt8(ascii: "+")) {
                local = rest[(plus + 1)...].split { $0 == UInt8(ascii: ".") || Self.isSeparator($0) }
                rest = rest[..<plus]
            }
            if let mark = rest.firstIndex(of: UInt8(ascii: "!")) {
                epoch = rest[..<mark]
                rest = rest[(mark + 1)...]
            }
            let numbers = rest.prefix { VersionNumber.isDigit($0) || $0 == UInt8(ascii: ".") }
            release = numbers.split(separator: UInt8(ascii: "."))
            rest = rest.dropFirst(numbers.count)
            while !rest.isEmpty { takeSuffix(&rest) }
        }

        private static func isSeparator(_ byte: UInt8) -> Bool {
            byte == UInt8(ascii: "-") || byte == UInt8(ascii: "_")
        }

        private mutating func takeSuffix(_ rest: inout ArraySlice<UInt8>) {
            let dash = rest.first == UInt8(ascii: "-")
            rest = rest.drop { $0 == UInt8(ascii: ".") || Self.isSeparator($0) }
            let word = rest.prefix(while: VersionNumber.isLetter)
            rest = rest.dropFirst(word.count).drop { $0 == UInt8(ascii: ".") || Self.isSeparator($0) }
            let number = rest.prefix(while: VersionNumber.isDigit)
            rest = rest.dropFirst(number.count)
            switch word.text {
            case "a", "alpha": pre = (1, number)
            case "b", "beta": pre = (2, number)
            case "c", "rc", "pre", "preview": pre = (3, number)
            case "post", "rev", "r": post = (1, number)
            case "" where dash: post = (1, number)
            case "dev":
                development = (0, number)
                // A development release of a final one sorts before its pre-releases.
                if pre.rank == 4, post.rank == 0 { pre.rank = 0 }
            default: if word.isEmpty, number.isEmpty { rest = rest.dropFirst() }
            }
        }
    }
}
