/// The reason for which bytes aren't a JSON document; it completes a sentence that begins with the document's name.
public enum JSONError: Error, Hashable, CustomStringConvertible {
    /// The byte at `offset` is not allowed there, or the document ends too early.
    case unexpectedByte(offset: Int)
    /// A string that begins at `offset` is not UTF-8.
    case notUTF8(offset: Int)
    /// Arrays and objects are nested too deeply.
    case tooDeep(limit: Int)
    /// The document has more values than any useful document.
    case tooManyValues(limit: Int)

    public var description: String {
        switch self {
        case .unexpectedByte(let offset): "it is not valid JSON at byte \(offset)"
        case .notUTF8(let offset): "its text at byte \(offset) is not UTF-8"
        case .tooManyValues(let limit): "it has more than \(limit) values"
        case .tooDeep(let limit): "its arrays and objects are nested more than \(limit) deep"
        }
    }
}
