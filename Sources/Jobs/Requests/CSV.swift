/// A line of comma-separated fields (RFC 4180).
public enum CSV {
    /// Splits a line into fields; a field in double quotes may contain commas, and `""` for a quote.
    public static func fields(_ line: String, _ option: String) throws -> [String] {
        func malformed() -> Failure {
            Failure("\(option) '\(line)': a quote must be around a whole field: \"name=a,b\"", status: .usage)
        }
        var fields: [String] = []
        var rest = line[...]
        while true {
            var field = ""
            if rest.first == "\"" {
                rest = rest.dropFirst()
                while true {
                    guard let end = rest.firstIndex(of: "\"") else { throw malformed() }
                    field += rest[..<end]
                    rest = rest[rest.index(after: end)...]
                    guard rest.first == "\"" else { break }
                    field += "\""
                    rest = rest.dropFirst()
                }
            } else {
                field = String(rest.prefix { $0 != "," })
                rest = rest.dropFirst(field.count)
                if field.contains("\"") { throw malformed() }
            }
            fields.append(field)
            if rest.isEmpty { return fields }
            guard rest.first == "," else { throw malformed() }
            rest = rest.dropFirst()
        }
    }
}

extension StringProtocol {
    /// The text without spaces at either end.
    public var trimmingSpaces: String {
        String(drop { $0 == " " }.reversed().drop { $0 == " " }.reversed())
    }
}
