import FoundationEssentials
public import Linux

extension JSON {
    /// Decodes one document; `what` names it in the error.
    public init(parsing bytes: [UInt8], what: String) throws(OCIError) {
        do {
            try self.init(parsing: bytes)
        } catch {
            throw .malformedDocument(what, reason: error.description)
        }
    }

    /// A value of ours as JSON, keys sorted.
    public static func encode(_ value: some Encodable) throws -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return Array(try encoder.encode(value))
    }

    /// Reads what ``encode(_:)`` wrote, never a document from outside; `what` names it in the error.
    public static func decode<T: Decodable>(_ type: T.Type, _ bytes: [UInt8], what: String) throws(OCIError) -> T {
        do {
            return try JSONDecoder().decode(type, from: Data(bytes))
        } catch {
            throw .malformedDocument(what, reason: "it is not what this version of thaw writes")
        }
    }

    /// Bytes in a text.
    public static func base64(_ bytes: [UInt8]) -> JSON { .string(Base64.padded(bytes)) }

    /// The bytes of a text that holds some in base 64.
    public var base64: [UInt8]? { string.flatMap { Base64.decoded(Array($0.utf8)) } }
}
