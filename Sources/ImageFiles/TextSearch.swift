public import OCI

/// A search in the contents of files, made while they are read, so that their bytes need not be kept.
public struct TextSearch: Sendable {
    /// A place in a file.
    public struct Match: Sendable, Hashable {
        /// The name of the rule that matched.
        public let rule: String
        /// The line, from 1.
        public let line: Int
        /// The name of the file in an archive; nil for a match in the file itself.
        public let member: String?

        /// Makes a match of these values.
        public init(rule: String, line: Int, member: String? = nil) {
            self.rule = rule
            self.line = line
            self.member = member
        }
    }

    /// The rules in one text, so that facts of other rules are not taken for these.
    public let identity: String
    let start: @Sendable (_ path: ImagePath, _ size: Int64) -> (any ContentScan)?

    /// A search.
    ///
    /// - Parameters:
    ///   - identity: Another text for other rules.
    ///   - start: Returns the scan of one file; nil for a file that isn't searched.
    public init(
        identity: String, start: @escaping @Sendable (_ path: ImagePath, _ size: Int64) -> (any ContentScan)?
    ) {
        self.identity = identity
        self.start = start
    }
}

/// The scan of one file, whose content arrives in order.
public protocol ContentScan {
    /// Takes the next bytes.
    mutating func receive(_ chunk: ArraySlice<UInt8>)

    /// Returns the matches at the end of the content.
    mutating func finish() -> [TextSearch.Match]
}
