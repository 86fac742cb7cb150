/// Header fields in their order; names compare without case (RFC 9110, section 5).
public struct Headers: Hashable, Sendable, ExpressibleByDictionaryLiteral {
    public struct HeaderField: Hashable, Sendable {
        /// The name as written.
        public let name: String
        /// The value without white space around it.
        public let value: String
    }

    /// All fields, in order.
    public private(set) var fields: [HeaderField] = []

    /// Makes an empty list.
    public init() {}

    public init(dictionaryLiteral elements: (String, String)...) {
        for (name, value) in elements { add(name, value) }
    }

    /// Adds a field and keeps those of the same name.
    public mutating func add(_ name: String, _ value: String) { fields.append(HeaderField(name: name, value: value)) }

    /// The first value of `name`; setting replaces every field of that name, nil removes them.
    public subscript(name: String) -> String? {
        get { fields.first { Self.isSame($0.name, name) }?.value }
        set {
            fields.removeAll { Self.isSame($0.name, name) }
            if let newValue { add(name, newValue) }
        }
    }

    /// Returns every value of `name`, in order.
    public func all(_ name: String) -> [String] {
        fields.filter { Self.isSame($0.name, name) }.map(\.value)
    }

    private static func isSame(_ left: String, _ right: String) -> Bool {
        left.utf8.count == right.utf8.count && left.lowercased() == right.lowercased()
    }
}
