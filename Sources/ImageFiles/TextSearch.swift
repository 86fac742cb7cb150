public import OCI

/// A search in the text of files, made while they are read, so that their bytes need not be kept.
public struct TextSearch: Sendable {
    /// A place in a file.
    public struct Match: Sendable, Hashable {
        /// The name of the rule that matched.
        public let rule: String
        /// The line, from 1.
        public let line: Int

        public init(rule: String, line: Int) {
            self.rule = rule
            self.line = line
        }
    }

    let concerns: @Sendable (_ path: ImagePath, _ size: Int64) -> Bool
    let find: @Sendable (_ bytes: [UInt8], _ path: ImagePath) -> [Match]

    /// A search.
    ///
    /// - Parameters:
    ///   - concerns: True for a file that is searched, which is then in memory as a whole.
    ///   - find: Returns the matches in a file.
    public init(
        concerns: @escaping @Sendable (_ path: ImagePath, _ size: Int64) -> Bool,
        find: @escaping @Sendable (_ bytes: [UInt8], _ path: ImagePath) -> [Match]
    ) {
        self.concerns = concerns
        self.find = find
    }
}
