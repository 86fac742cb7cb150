import FoundationEssentials
public import Linux

extension JSON {
    /// Decodes one document; errors contain `what`.
    public init(parsing bytes: [UInt8], what: String) throws(OCIError) {
        do {
            try self.init(parsing: bytes)
        } catch {
            throw .malformedDocument(what, reason: error.description)
        }
    }

    /// Encodes a value of this program as JSON with sorted keys.
    public static func encode(_ value: some Encodable) throws -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return Array(try encoder.encode(value))
    }

    /// Decodes the output of ``encode(_:)``, never a document from outside; errors contain `what`.
    public static func decode<T: Decodable>(_ type: T.Type, _ bytes: [UInt8], what: String) throws(OCIError) -> T {
        do {
            return try JSONDecoder().decode(type, from: Data(bytes))
        } catch {
            throw .malformedDocument(what, reason: "this version of thaw did not write it")
        }
    }

    /// Encodes bytes as a base-64 text.
    public static func base64(_ bytes: [UInt8]) -> JSON { .string(Base64.padded(bytes)) }

    /// The bytes of a base-64 text.
    public var base64: [UInt8]? { string.flatMap { Base64.decoded(Array($0.utf8)) } }
}
