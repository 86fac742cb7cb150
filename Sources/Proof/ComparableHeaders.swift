/// The header of an HTTP response in comparable form.
///
/// Names are in lower case and sorted; values of equal names are joined in their order. Values that differ between any
/// two responses are masked.
struct ComparableHeaders {
    /// Fields that depend on the time, the connection or the request; only their presence counts.
    static let volatile: Set<String> = [
        "age", "date", "expires", "request-id", "server-timing", "traceparent", "x-correlation-id", "x-request-id",
        "x-response-time", "x-runtime",
    ]

    let lines: [(name: String, value: String)]

    /// Parses the lines after a status line.
    init(_ head: [UInt8]) {
        var values: [String: [String]] = [:]
        for line in head.split(separator: UInt8(ascii: "\n")).dropFirst() {
            guard let colon = line.firstIndex(of: UInt8(ascii: ":")) else { continue }
            let name = Self.trimmed(line[..<colon]).lowercased()
            if !name.isEmpty { values[name, default: []].append(Self.trimmed(line[(colon + 1)...])) }
        }
        lines = values.sorted { $0.key < $1.key }.map { name, list in
            (name, Self.volatile.contains(name) ? "(any)" : list.joined(separator: ", "))
        }
    }

    private static func trimmed(_ text: ArraySlice<UInt8>) -> String {
        let isSpace = { (byte: UInt8) in byte == 0x20 || byte == 0x09 || byte == 0x0D }
        let end = text.lastIndex { !isSpace($0) }.map { $0 + 1 } ?? text.startIndex
        return String(decoding: text[..<end].drop(while: isSpace), as: UTF8.self)
    }
}
