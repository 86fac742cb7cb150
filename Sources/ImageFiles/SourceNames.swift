/// A set of names, and the search for them among all names of a source.
struct SourceNames {
    /// The names by their first byte.
    private var byFirst = [[[UInt8]]](repeating: [], count: 256)
    private var longest = 0

    init(_ names: Set<String>) {
        for name in names.sorted() {
            guard let first = name.utf8.first else { continue }
            byFirst[Int(first)].append(Array(name.utf8))
            longest = max(longest, name.utf8.count)
        }
    }

    /// Returns the ranges of the names in a text, in one pass.
    func places(in bytes: [UInt8]) -> [Range<Int>] {
        var found: [Range<Int>] = []
        var index = 0
        while index < bytes.count {
            guard Self.isOfName(bytes[index]) else {
                index += 1
                continue
            }
            let start = index
            while index < bytes.count, Self.isOfName(bytes[index]) { index += 1 }
            if index - start <= longest, has(bytes[start..<index]) { found.append(start..<index) }
        }
        return found
    }

    private func has(_ name: ArraySlice<UInt8>) -> Bool {
        byFirst[Int(name[name.startIndex])].contains { $0.count == name.count && $0.elementsEqual(name) }
    }

    /// True for letters, digits and the underscore.
    static func isOfName(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"):
            true
        default: false
        }
    }
}
