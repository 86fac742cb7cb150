// Hadolint's rules for labels: their keys, and the schema of the configuration.

extension Linter {
    mutating func checkLabels() {
        for stage in file.stages {
            for located in stage.instructions {
                guard case .label(let label) = located.value else { continue }
                for pair in label.pairs { checkLabel(pair, located.lines) }
            }
        }
        checkMissingLabels()
    }

    private mutating func checkLabel(_ pair: Instruction.Pair, _ lines: ClosedRange<Int>) {
        let (key, value) = (pair.key.unquoted, pair.value.unquoted)
        if !key.utf8.contains(Ascii.dollar), !Self.isLabelKey(key) {
            report(
                "DL3048", "Docker's rules don't allow the label key \(key): lower-case letters, digits, single . and -",
                lines)
        }
        guard let type = options.configuration.labels[key] else {
            if options.configuration.hasStrictLabels {
                report("DL3050", "The label \(key) is not in the schema", lines)
            }
            return
        }
        guard !value.isEmpty else { return report("DL3051", "The label \(key) is empty", lines) }
        guard !value.utf8.contains(Ascii.dollar), let fault = Self.fault(of: value, type) else { return }
        report(fault.rule, "The label \(key) is not \(fault.wanted)", lines)
    }

    private mutating func checkMissingLabels() {
        guard !options.configuration.labels.isEmpty, let last = file.stages.last else { return }
        var keys: Set<String> = []
        for stage in [last] + baseStages(of: last) {
            for located in stage.instructions {
                if case .label(let label) = located.value { keys.formUnion(label.pairs.map(\.key.unquoted)) }
            }
        }
        for name in options.configuration.labels.keys.sorted() where !keys.contains(name) {
            report("DL3049", "The label \(name) is missing", last.from.lines)
        }
    }

    private static func isLabelKey(_ key: String) -> Bool {
        func isWord(_ byte: UInt8) -> Bool { byte.isDigit || (97...122).contains(byte) }
        guard let first = key.utf8.first, let last = key.utf8.last, (97...122).contains(first), isWord(last) else {
            return false
        }
        let bytes = Array(key.utf8)
        let isPlain = bytes.allSatisfy { isWord($0) || ".-_".utf8.contains($0) }
        let isDoubled = zip(bytes, bytes.dropFirst()).contains { !isWord($0) && !isWord($1) }
        return isPlain && !isDoubled
            && !["com.docker.", "io.docker.", "org.dockerproject."].contains(where: key.hasPrefix)
    }

    private static func fault(of value: String, _ type: LintConfiguration.LabelType) -> (rule: String, wanted: String)?
    {
        switch type {
        case .text, .rawtext: nil
        case .url: LabelValue.isURL(value) ? nil : ("DL3052", "a URL")
        case .rfc3339: LabelValue.isTime(value) ? nil : ("DL3053", "a time of RFC 3339")
        case .spdx: SPDXLicenses.contains(value) ? nil : ("DL3054", "an SPDX identifier")
        case .hash: LabelValue.isHash(value) ? nil : ("DL3055", "a git hash")
        case .semver: LabelValue.isSemanticVersion(value) ? nil : ("DL3056", "a semantic version")
        case .email: LabelValue.isEmail(value) ? nil : ("DL3058", "an email address")
        }
    }
}

/// The forms of label values.
enum LabelValue {
    static func isURL(_ text: String) -> Bool {
        guard let (scheme, rest) = text.cut(Ascii.colon), scheme.utf8.first?.isLetter == true,
            scheme.utf8.allSatisfy({ $0.isLetter || $0.isDigit || "+-.".utf8.contains($0) })
        else { return false }
        return rest.hasPrefix("//") && rest.utf8.count > 2
            && rest.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F && !"<>\"{}|\\^`".utf8.contains($0) }
    }

    /// True for `2021-03-10T10:14:44Z` and the like, with an optional fraction.
    static func isTime(_ text: String) -> Bool {
        let bytes = Array(text.utf8)
        guard bytes.count >= 20, matches(bytes[..<19], "0000-00-00T00:00:00") else { return false }
        var rest = bytes[19...]
        if rest.first == Ascii.dot {
            rest = rest.dropFirst()
            guard rest.first?.isDigit == true else { return false }
            rest = rest.drop(while: \.isDigit)
        }
        func number(_ range: Range<Int>) -> Int { Int(bytes[range].text) ?? 99 }
        let isDate = (1...12).contains(number(5..<7)) && (1...31).contains(number(8..<10))
        let isClock = number(11..<13) < 24 && number(14..<16) < 60 && number(17..<19) <= 60
        let isZone =
            rest.elementsEqual("Z".utf8) || rest.elementsEqual("z".utf8)
            || matches(rest, "+00:00") || matches(rest, "-00:00")
        return isDate && isClock && isZone
    }

    /// Compares with a pattern in which 0 stands for any digit.
    private static func matches(_ bytes: ArraySlice<UInt8>, _ pattern: String) -> Bool {
        bytes.count == pattern.utf8.count
            && zip(bytes, pattern.utf8).allSatisfy {
                $1 == UInt8(ascii: "0") ? $0.isDigit : $0 == $1 || ($1 == 84 && $0 == 116)
            }
    }

    static func isHash(_ text: String) -> Bool {
        [7, 40].contains(text.utf8.count) && text.utf8.allSatisfy { $0.isDigit || (97...102).contains($0) }
    }

    static func isSemanticVersion(_ text: String) -> Bool {
        let (plain, build) = text.cut(UInt8(ascii: "+")) ?? (text, nil)
        let (core, pre) = plain.cut(Ascii.dash) ?? (plain, nil)
        let numbers = core.utf8.split(separator: Ascii.dot, omittingEmptySubsequences: false)
        func isNumber(_ part: Substring.UTF8View) -> Bool {
            !part.isEmpty && part.allSatisfy(\.isDigit) && (part.count == 1 || part.first != UInt8(ascii: "0"))
        }
        func isList(_ list: String?) -> Bool {
            guard let list else { return true }
            return list.utf8.split(separator: Ascii.dot, omittingEmptySubsequences: false).allSatisfy { part in
                !part.isEmpty && part.allSatisfy { $0.isLetter || $0.isDigit || $0 == Ascii.dash }
            }
        }
        return numbers.count == 3 && numbers.allSatisfy(isNumber) && isList(pre) && isList(build)
    }

    static func isEmail(_ text: String) -> Bool {
        guard let (name, host) = text.cut(UInt8(ascii: "@")), !name.isEmpty else { return false }
        let isHost = host.utf8.split(separator: Ascii.dot, omittingEmptySubsequences: false).allSatisfy { part in
            !part.isEmpty && part.allSatisfy { $0.isLetter || $0.isDigit || $0 == Ascii.dash }
        }
        return isHost && name.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F && !"()<>[]:;,\\\"@".utf8.contains($0) }
    }
}
