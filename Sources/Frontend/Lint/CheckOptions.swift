/// The value of `# check=`, such as `skip=A,B;error=true;experimental=A`.
public struct CheckOptions: Sendable, Equatable {
    /// The rules to skip.
    public private(set) var skipped: Set<String> = []
    /// True for `skip=all`.
    public private(set) var skipsAll = false
    /// True if a finding fails the build.
    public private(set) var failsOnFinding = false
    /// The experimental rules to enable.
    public private(set) var experimental: Set<String> = []
    /// True for `experimental=all`.
    public private(set) var allExperimental = false

    /// Enables all stable rules; no finding fails the build.
    public init() {}

    /// Parses the value of `# check=`.
    ///
    /// - Throws: A ``Diagnostic`` for an unknown key or value.
    public init(_ word: Word) throws(Diagnostic) {
        for part in word.text.utf8.split(separator: UInt8(ascii: ";")) {
            guard let (rawKey, rawValue) = part.text.cut(Ascii.equals) else {
                throw Diagnostic(word.position, "invalid check option \(part.text.trimmed.goQuoted)")
            }
            let (key, value) = (rawKey.trimmed, rawValue.trimmed)
            let names = Set(value.utf8.split(separator: Ascii.comma).map { $0.text.trimmed })
            switch key {
            case "skip": if value == "all" { skipsAll = true } else { skipped.formUnion(names) }
            case "experimental":
                if value == "all" { allExperimental = true } else { experimental.formUnion(names) }
            case "error":
                guard ["true", "1", "t", "false", "0", "f"].contains(value.asciiLowercased) else {
                    throw Diagnostic(word.position, "failed to parse check option \(part.text.goQuoted)")
                }
                failsOnFinding = ["true", "1", "t"].contains(value.asciiLowercased)
            default:
                let ending = Suggestion.ending(for: key, in: ["skip", "error", "experimental"])
                throw Diagnostic(word.position, "invalid check option \(key.goQuoted)\(ending)")
            }
        }
    }
}
