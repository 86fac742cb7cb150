extension JSON {
    /// The name of a member, equal to another if its bytes are.
    ///
    /// Texts of Swift are also equal where one has an accented letter and the other the letter and its accent. To other
    /// programs these are two names, and finding that out is slow.
    public struct Key: Hashable, Comparable, Sendable, ExpressibleByStringLiteral {
        /// The name.
        public let text: String

        /// A name.
        public init(_ text: String) { self.text = text }

        public init(stringLiteral text: String) { self.text = text }

        public static func == (first: Key, second: Key) -> Bool { first.text.utf8.elementsEqual(second.text.utf8) }

        public static func < (first: Key, second: Key) -> Bool {
            first.text.utf8.lexicographicallyPrecedes(second.text.utf8)
        }

        public func hash(into hasher: inout Hasher) {
            var text = text
            // Makes the bytes contiguous where they are not.
            text.withUTF8 { unsafe hasher.combine(bytes: UnsafeRawBufferPointer($0)) }
        }
    }
}
