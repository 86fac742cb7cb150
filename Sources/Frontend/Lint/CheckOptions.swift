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

    /// Parses `--build-arg BUILDKIT_DOCKERFILE_CHECK`, which replaces the directive; nil without it.
    public init?(_ arguments: BuildArguments) throws(Diagnostic) {
        guard let text = arguments.values["BUILDKIT_DOCKERFILE_CHECK"] else { return nil }
        try self.init(Word(text, at: Position(line: 0, column: 0)))
    }

    /// Parses the value of `# check=`; a reason may follow after ` // `.
    ///
    /// - Throws: A ``Diagnostic`` for an unknown key or value.
    public init(_ word: Word) throws(Diagnostic) {
        let text = word.text.firstRange(of: " //").map { word.text[..<$0.lowerBound] } ?? word.text[...]
        for part in text.utf8.split(separator: UInt8(ascii: ";")) {
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
