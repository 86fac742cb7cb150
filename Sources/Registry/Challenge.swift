/// The authentication that a server requires (RFC 9110, section 11.6.1; the distribution project's token scheme).
enum Challenge: Hashable, Sendable {
    case basic
    case bearer(realm: String, service: String?, scope: String?)

    /// Selects the strongest supported challenge among the values of `WWW-Authenticate`.
    init?(_ values: [String]) {
        let all = values.flatMap(Self.parse)
        if let bearer = all.first(where: { $0.scheme == "bearer" && $0.parameters["realm"] != nil }) {
            self = .bearer(
                realm: bearer.parameters["realm"] ?? "", service: bearer.parameters["service"],
                scope: bearer.parameters["scope"])
        } else if all.contains(where: { $0.scheme == "basic" }) {
            self = .basic
        } else {
            return nil
        }
    }

    /// Parses `Scheme name=value, name="quoted \"value\"", Other …`.
    private static func parse(_ text: String) -> [(scheme: String, parameters: [String: String])] {
        var result: [(scheme: String, parameters: [String: String])] = []
        var rest = Substring(text)
        while true {
            rest = rest.drop { $0 == "," || $0 == " " || $0 == "\t" }
            let word = rest.prefix { !" ,=\t".contains($0) }
            rest = rest.dropFirst(word.count)
            let hasValue = rest.first == "="
            if word.isEmpty {
                // Invalid text such as '=x' ends it; the challenges before it count.
                return result
            }
            guard hasValue else {
                result.append((word.lowercased(), [:]))
                continue
            }
            let value = Self.value(&rest)
            if !result.isEmpty { result[result.count - 1].parameters[word.lowercased()] = value }
        }
    }

    /// Parses a value after its `=`, bare or quoted.
    private static func value(_ rest: inout Substring) -> String {
        rest = rest.dropFirst()
        guard rest.first == "\"" else {
            let value = rest.prefix { !" ,\t".contains($0) }
            rest = rest.dropFirst(value.count)
            return String(value)
        }
        rest = rest.dropFirst()
        var value = ""
        while let character = rest.popFirst(), character != "\"" {
            if character == "\\", let escaped = rest.popFirst() {
                value.append(escaped)
            } else {
                value.append(character)
            }
        }
        return value
    }
}

/// A permission that a token is requested for: `repository:PATH:pull,push`.
struct TokenScope: Hashable, Sendable, Comparable, CustomStringConvertible {
    let description: String

    static func pull(_ path: String) -> TokenScope { TokenScope(description: "repository:\(path):pull") }
    static func push(_ path: String) -> TokenScope { TokenScope(description: "repository:\(path):pull,push") }
    static func delete(_ path: String) -> TokenScope { TokenScope(description: "repository:\(path):delete,pull") }
    static let catalog = TokenScope(description: "registry:catalog:*")

    static func < (left: TokenScope, right: TokenScope) -> Bool { left.description < right.description }
}
