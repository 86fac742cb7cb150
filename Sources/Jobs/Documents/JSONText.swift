public import Linux

extension JSON {
    /// The indented document, as it is printed and written to files.
    ///
    /// Characters that could control a terminal are escaped.
    public var text: String { String(decoding: prettyBytes, as: UTF8.self).visibleJSON }

    /// The document in one line, with the same escapes.
    public var line: String { String(decoding: bytes, as: UTF8.self).visibleJSON }
}

extension JSON {
    /// Returns a document of thaw with its `kind`, `schemaVersion` 1 and further members.
    public static func document(_ kind: String, _ members: [String: JSON]) -> JSON {
        .members(members.merging(["schemaVersion": .integer(1), "kind": .string(kind)]) { $1 })
    }
}
