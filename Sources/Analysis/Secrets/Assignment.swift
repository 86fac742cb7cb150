internal import Glibc
internal import ImageFiles

/// A name and its value in any notation: `NAME=value`, `name: "value"`, `"name": "value"`, `name => 'value'`,
/// `<name>value</name>`.
struct Assignment {
    let name: ArraySlice<UInt8>
    let value: ArraySlice<UInt8>
    let isQuoted: Bool

    private static let longestName = 100
    private static let longestValue = 4096

    /// Returns the assignments in `bytes`, in their order.
    static func all(in bytes: ArraySlice<UInt8>) -> [Assignment] {
        var found: [Assignment] = []
        var index = bytes.startIndex
        while index < bytes.endIndex {
            let byte = bytes[index]
            if byte == UInt8(ascii: "=") || byte == UInt8(ascii: ":") || byte == UInt8(ascii: ">"),
                let assignment = Assignment(in: bytes, at: index)
            {
                found.append(assignment)
            }
            index += 1
        }
        return found
    }

    /// Reads the name before and the value after the sign at `index`.
    private init?(in bytes: ArraySlice<UInt8>, at index: Int) {
        guard let name = Self.name(in: bytes[..<index]) else { return nil }
        let isTag = bytes[index] == UInt8(ascii: ">")
        if isTag, name.startIndex == bytes.startIndex || bytes[name.startIndex - 1] != UInt8(ascii: "<") { return nil }
        var rest = bytes[(index + 1)...].prefix(Self.longestValue)
        if let next = rest.first, !isTag, next == UInt8(ascii: ">") || next == UInt8(ascii: "=") {
            rest = rest.dropFirst()
        }
        rest = rest.drop { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\t") }
        if rest.first == UInt8(ascii: "\\") { rest = rest.dropFirst() }
        guard let first = rest.first else { return nil }
        isQuoted = Self.quotes.contains(first)
        value =
            isQuoted
            ? rest.dropFirst().prefix { $0 != first && $0 != UInt8(ascii: "\n") && $0 != UInt8(ascii: "\\") }
            : rest.prefix { isTag ? $0 != UInt8(ascii: "<") && $0 > 32 : !Self.ends.contains($0) && $0 > 32 }
        if value.isEmpty { return nil }
        self.name = name
    }

    private static let quotes = ByteSet("\"'`".utf8)
    private static let ends = ByteSet("\"'`,;<>&|()".utf8)
    private static let nameBytes = ByteSet(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-.".utf8)
    private static let closers = ByteSet("\"'`]\\ \t".utf8)

    private static func name(in bytes: ArraySlice<UInt8>) -> ArraySlice<UInt8>? {
        var end = bytes.endIndex
        while end > bytes.startIndex, bytes.endIndex - end < 8, closers.contains(bytes[end - 1]) { end -= 1 }
        var start = end
        while start > bytes.startIndex, end - start < longestName, nameBytes.contains(bytes[start - 1]) { start -= 1 }
        return start == end ? nil : bytes[start..<end]
    }

    /// The name in lower case without `_`, `-` and `.`.
    var normalizedName: String { name.text.lowercased().filter { $0 != "_" && $0 != "-" && $0 != "." } }

    /// True if the name ends in one of `keys`, as a whole word.
    func isNamed(_ keys: some Sequence<String>) -> Bool {
        let name = name.text
        return keys.contains { key in
            guard name.hasSuffix(key) else { return false }
            return name.utf8.count == key.utf8.count || "_-.".contains(name.dropLast(key.count).last ?? "_")
        }
    }

    /// True if the name is that of a secret, and the value may be one.
    var isSecret: Bool {
        let name = normalizedName
        guard value.count >= 4, SecretRules.isSecretName(name) || self.name.text.lowercased().hasSuffix("_pass") else {
            return false
        }
        if name.hasSuffix("token"), value.allSatisfy(ByteSet.digits.contains) { return false }
        return !SecretValue.isPlaceholder(value.text)
    }
}

/// The properties of a value that may be a secret.
enum SecretValue {
    /// True for a reference to a variable or file, and for a word that stands for a value.
    static func isPlaceholder(_ value: String) -> Bool {
        guard let first = value.first, !"$/<{(%*[".contains(first) else { return true }
        return ["none", "null", "nil", "true", "false", "undefined"].contains(value.lowercased()) || isSample(value)
    }

    /// True for a value that says that it is a sample.
    static func isSample(_ value: String) -> Bool {
        let lower = value.lowercased()
        return samples.contains(where: lower.contains) || Set(value).count == 1
    }

    private static let samples = [
        "example", "changeme", "change_me", "change-me", "placeholder", "your_", "your-", "yourpass", "yoursecret",
        "dummy", "redacted", "xxxx", "****", "replace_me", "replaceme", "insert_", "not-a-real", "eyjzdwiioiixmjm0nty3",
    ]

    /// The entropy of the value's characters in bits.
    static func entropy(_ value: ArraySlice<UInt8>) -> Double {
        var counts = [Double](repeating: 0, count: 256)
        for byte in value { counts[Int(byte)] += 1 }
        let total = Double(value.count)
        return counts.reduce(0) { sum, count in
            count == 0 ? sum : sum - count / total * log2(count / total)
        }
    }

    /// True if a value has the form of a random key.
    static func isRandomKey(_ value: ArraySlice<UInt8>) -> Bool {
        guard (16...256).contains(value.count), value.allSatisfy(keyBytes.contains) else { return false }
        let hasLetter = value.contains { ByteSet.word.contains($0) && !ByteSet.digits.contains($0) }
        return hasLetter && value.contains(where: ByteSet.digits.contains) && entropy(value) >= 3.5
    }

    private static let keyBytes = ByteSet(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=_-.~!@#%^*".utf8)
}
