extension JSON {
    /// The name of a member; names are equal if their bytes are.
    ///
    /// Swift's strings are also equal if one has an accented letter and the other the letter and a combining accent.
    /// For other programs these are two names, and comparing them this way is slow.
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
            // Makes the bytes contiguous if they aren't.
            text.withUTF8 { unsafe hasher.combine(bytes: UnsafeRawBufferPointer($0)) }
        }
    }
}
