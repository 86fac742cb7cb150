internal import ImageFiles

/// The order of the versions of an ecosystem.
enum VersionOrder: Sendable, CaseIterable {
    case apk, dpkg, gem, maven, python, semantic

    /// The relation of two versions.
    enum Relation: Int, Comparable {
        case less = -1
        case equal, greater

        static func < (left: Relation, right: Relation) -> Bool { left.rawValue < right.rawValue }

        init<Value: Comparable>(_ left: Value, _ right: Value) {
            self = left < right ? .less : left > right ? .greater : .equal
        }

        /// The relation that decides if this one is equal.
        func orElse(_ next: @autoclosure () -> Relation) -> Relation { self == .equal ? next() : self }
    }

    /// Compares two versions, as written.
    func compare(_ left: String, _ right: String) -> Relation {
        switch self {
        case .apk: ApkVersion.compare(left, right)
        case .dpkg: DebianVersion.compare(left, right)
        case .gem: GemVersion.compare(left, right)
        case .maven: MavenVersion.compare(left, right)
        case .python: PythonVersion.compare(left, right)
        case .semantic: SemanticVersion.compare(left, right)
        }
    }
}

/// Numbers in versions, which may have any number of digits.
enum VersionNumber {
    static func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }

    static func isLetter(_ byte: UInt8) -> Bool { (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20) }

    /// Compares two texts of digits by their values.
    static func compare(_ left: some Collection<UInt8>, _ right: some Collection<UInt8>) -> VersionOrder.Relation {
        let zero = UInt8(ascii: "0")
        let (first, second) = (Array(left.drop { $0 == zero }), Array(right.drop { $0 == zero }))
        return VersionOrder.Relation(first.count, second.count).orElse(text(first, second))
    }

    /// Compares two texts by their bytes.
    static func text(_ left: some Sequence<UInt8>, _ right: some Sequence<UInt8>) -> VersionOrder.Relation {
        if left.lexicographicallyPrecedes(right) { return .less }
        return right.lexicographicallyPrecedes(left) ? .greater : .equal
    }

    /// Compares two lists, of which the shorter one is filled up with `absent`.
    static func lists<Element>(
        _ left: [Element], _ right: [Element], absent: Element,
        by compare: (Element, Element) -> VersionOrder.Relation
    ) -> VersionOrder.Relation {
        for index in 0..<max(left.count, right.count) {
            let first = index < left.count ? left[index] : absent
            let second = index < right.count ? right[index] : absent
            let relation = compare(first, second)
            if relation != .equal { return relation }
        }
        return .equal
    }
}

/// Debian's order (deb-version(7)): epoch, upstream version, revision; `~` sorts before the end.
enum DebianVersion {
    static func compare(_ left: String, _ right: String) -> VersionOrder.Relation {
        let (first, second) = (parts(left), parts(right))
        return VersionNumber.compare(first.epoch, second.epoch)
            .orElse(text(first.upstream, second.upstream)).orElse(text(first.revision, second.revision))
    }

    private static func parts(
        _ version: String
    ) -> (epoch: ArraySlice<UInt8>, upstream: ArraySlice<UInt8>, revision: ArraySlice<UInt8>) {
        let bytes = Array(version.utf8)
        let colon = bytes.firstIndex(of: UInt8(ascii: ":"))
        let rest = colon.map { bytes[($0 + 1)...] } ?? bytes[...]
        let dash = rest.lastIndex(of: UInt8(ascii: "-"))
        return (
            colon.map { bytes[..<$0] } ?? [], dash.map { rest[..<$0] } ?? rest, dash.map { rest[($0 + 1)...] } ?? []
        )
    }

    private static func weight(_ byte: UInt8?) -> Int {
        guard let byte, !VersionNumber.isDigit(byte) else { return 0 }
        if byte == UInt8(ascii: "~") { return -1 }
        return VersionNumber.isLetter(byte) ? Int(byte) : Int(byte) + 256
    }

    private static func text(_ left: ArraySlice<UInt8>, _ right: ArraySlice<UInt8>) -> VersionOrder.Relation {
        var (left, right) = (left, right)
        while !left.isEmpty || !right.isEmpty {
            while left.first.map({ !VersionNumber.isDigit($0) }) ?? false
                || right.first.map({ !VersionNumber.isDigit($0) }) ?? false
            {
                let relation = VersionOrder.Relation(weight(left.first), weight(right.first))
                if relation != .equal { return relation }
                left = left.dropFirst()
                right = right.dropFirst()
            }
            let (first, second) = (
                left.prefix(while: VersionNumber.isDigit), right.prefix(while: VersionNumber.isDigit)
            )
            let relation = VersionNumber.compare(first, second)
            if relation != .equal { return relation }
            left = left.dropFirst(first.count)
            right = right.dropFirst(second.count)
        }
        return .equal
    }
}

/// Alpine's order (apk-package(5)): numbers, a letter, suffixes such as `_rc1` and `_p2`, and a revision `-r3`.
enum ApkVersion {
    private static let suffixes = ["alpha", "beta", "pre", "rc", "", "cvs", "svn", "git", "hg", "p"]

    static func compare(_ left: String, _ right: String) -> VersionOrder.Relation {
        let (first, second) = (parts(left), parts(right))
        return numbers(first.numbers, second.numbers).orElse(VersionOrder.Relation(first.letter, second.letter))
            .orElse(
                VersionNumber.lists(first.suffixes, second.suffixes, absent: (4, [])) {
                    VersionOrder.Relation($0.rank, $1.rank).orElse(VersionNumber.compare($0.number, $1.number))
                }
            )
            .orElse(VersionNumber.compare(first.revision, second.revision))
    }

    private struct Parts {
        var numbers: [ArraySlice<UInt8>] = []
        var letter: UInt8 = 0
        var suffixes: [(rank: Int, number: ArraySlice<UInt8>)] = []
        var revision: ArraySlice<UInt8> = []
    }

    private static func parts(_ version: String) -> Parts {
        var parts = Parts()
        var rest = Array(version.utf8)[...]
        if let dash = rest.lastIndex(of: UInt8(ascii: "-")), rest[(dash + 1)...].first == UInt8(ascii: "r") {
            parts.revision = rest[(dash + 2)...]
            rest = rest[..<dash]
        }
        let pieces = rest.split(separator: UInt8(ascii: "_"), omittingEmptySubsequences: false)
        var main = pieces.first ?? []
        if let last = main.last, VersionNumber.isLetter(last) {
            parts.letter = last
            main = main.dropLast()
        }
        parts.numbers = main.split(separator: UInt8(ascii: "."))
        for piece in pieces.dropFirst() {
            let name = piece.prefix(while: VersionNumber.isLetter)
            parts.suffixes.append((suffixes.firstIndex(of: name.text) ?? 4, piece.dropFirst(name.count)))
        }
        return parts
    }

    /// Compares the numbers; one after the first with a leading zero is a fraction.
    private static func numbers(_ left: [ArraySlice<UInt8>], _ right: [ArraySlice<UInt8>]) -> VersionOrder.Relation {
        for (index, (first, second)) in zip(left, right).enumerated() {
            let isFraction = index > 0 && (first.first == UInt8(ascii: "0") || second.first == UInt8(ascii: "0"))
            let relation = isFraction ? VersionNumber.text(first, second) : VersionNumber.compare(first, second)
            if relation != .equal { return relation }
        }
        return VersionOrder.Relation(left.count, right.count)
    }
}

/// The order of Semantic Versioning 2.0, with any number of parts before the pre-release, as NuGet and Go have them.
enum SemanticVersion {
    static func compare(_ left: String, _ right: String) -> VersionOrder.Relation {
        let (first, second) = (parts(left), parts(right))
        return VersionNumber.lists(first.numbers, second.numbers, absent: [], by: VersionNumber.compare)
            .orElse(prerelease(first.prerelease, second.prerelease))
    }

    private static func parts(_ version: String) -> (numbers: [ArraySlice<UInt8>], prerelease: [ArraySlice<UInt8>]) {
        let bytes = Array(version.utf8)[...].drop { $0 == UInt8(ascii: "v") }.prefix { $0 != UInt8(ascii: "+") }
        let dash = bytes.firstIndex(of: UInt8(ascii: "-")) ?? bytes.endIndex
        let dot = UInt8(ascii: ".")
        return (bytes[..<dash].split(separator: dot), bytes[dash...].dropFirst().split(separator: dot))
    }

    private static func prerelease(_ left: [ArraySlice<UInt8>], _ right: [ArraySlice<UInt8>]) -> VersionOrder.Relation {
        if left.isEmpty || right.isEmpty { return VersionOrder.Relation(left.isEmpty ? 1 : 0, right.isEmpty ? 1 : 0) }
        for (first, second) in zip(left, right) {
            let isNumber = (first.allSatisfy(VersionNumber.isDigit), second.allSatisfy(VersionNumber.isDigit))
            let relation: VersionOrder.Relation =
                switch isNumber {
                case (true, true): VersionNumber.compare(first, second)
                case (true, false): .less
                case (false, true): .greater
                case (false, false): VersionNumber.text(first, second)
                }
            if relation != .equal { return relation }
        }
        return VersionOrder.Relation(left.count, right.count)
    }
}

/// RubyGems' order: parts of digits and letters; a version with letters is a pre-release.
enum GemVersion {
    static func compare(_ left: String, _ right: String) -> VersionOrder.Relation {
        VersionNumber.lists(parts(left), parts(right), absent: Array("0".utf8)[...]) { first, second in
            switch (first.first.map(VersionNumber.isDigit) ?? true, second.first.map(VersionNumber.isDigit) ?? true) {
            case (true, true): VersionNumber.compare(first, second)
            case (true, false): .greater
            case (false, true): .less
            case (false, false): VersionNumber.text(first, second)
            }
        }
    }

    private static func parts(_ version: String) -> [ArraySlice<UInt8>] {
        var parts: [ArraySlice<UInt8>] = []
        var rest = Array(version.replacing("-", with: ".pre.").utf8)[...]
        while let first = rest.first {
            let same = rest.prefix {
                VersionNumber.isDigit($0) == VersionNumber.isDigit(first) && $0 != UInt8(ascii: ".")
            }
            if !same.isEmpty { parts.append(same) }
            rest = rest.dropFirst(max(1, same.count))
        }
        return parts
    }
}
