internal import Linux

/// A result for stdout.
public enum Printout: Sendable, Equatable {
    /// Text for people, whose control characters are made visible.
    case text(String)
    /// A page of HTML.
    case page(String)
    /// A document of JSON, or lines of it.
    case json(String)
    /// A document of an image, byte for byte.
    case exact([UInt8])

    /// Writes the result to a file; text for people is as visible as on a terminal.
    public func replace(_ file: String) throws {
        switch self {
        case .text(let text): try replaceFile(file, with: Array(text.visible.utf8))
        case .page(let text), .json(let text): try replaceFile(file, with: Array(text.utf8))
        case .exact(let bytes): try replaceFile(file, with: bytes)
        }
    }

    /// A document.
    static func document(_ json: JSON) -> Printout { .json(json.text) }

    /// The text of a result for people, or its document.
    static func result(_ text: @autoclosure () -> String, _ document: @autoclosure () -> JSON, isJSON: Bool) -> Printout
    {
        isJSON ? .document(document()) : .text(text())
    }
}
