internal import Linux

/// The bytes of an `index.json`, split into its entries without decoding them.
///
/// A store of thousands of images is looked up and edited in the time of one pass over these bytes. What an entry says
/// is always decoded from its own bytes; text found outside of an entry is ignored.
struct IndexText {
    private let bytes: [UInt8]
    /// The bytes of each entry of `manifests`.
    private var entries: [Range<Int>] = []
    /// The bytes between the brackets of `manifests`.
    private var list = 0..<0

    /// Splits a document; nil for one whose entries can't be found by their bytes: with escapes, or malformed.
    init?(_ bytes: [UInt8]) {
        self.bytes = bytes
        guard split() else { return nil }
    }

    /// Decodes the entries that contain one of these strings, in the order of the document.
    func entries(with strings: [String]) throws -> [Descriptor] {
        try indices(with: strings).map { try descriptor($0) }
    }

    /// Returns the document without the entries for which `isReplaced` is true, and with new ones at the end.
    ///
    /// Only entries that contain one of `strings` are decoded and can be replaced. All others keep their bytes.
    func replacing(
        _ strings: [String], with new: [Descriptor], where isReplaced: (Descriptor) -> Bool
    ) throws -> (bytes: [UInt8], removedCount: Int) {
        let removed = Set(try indices(with: strings).filter { try isReplaced(descriptor($0)) })
        var result = Array(bytes[..<list.lowerBound])
        result.reserveCapacity(bytes.count + 512 * new.count)
        var isFirst = true
        func add(_ entry: ArraySlice<UInt8>) {
            if !isFirst { result.append(UInt8(ascii: ",")) }
            isFirst = false
            result += entry
        }
        for (index, range) in entries.enumerated() where !removed.contains(index) { add(bytes[range]) }
        for entry in new { add(entry.json.bytes[...]) }
        return (result + bytes[list.upperBound...], removed.count)
    }

    private func descriptor(_ index: Int) throws -> Descriptor {
        let what = "index.json"
        return try Descriptor(JSON(parsing: Array(bytes[entries[index]]), what: what), what: what)
    }

    /// Returns the entries that have one of `strings` as a whole JSON string.
    private func indices(with strings: [String]) -> [Int] {
        let wanted = Set(strings.map { Array($0.utf8) })
        let lengths = Set(wanted.map(\.count))
        return entries.indices.filter { index in
            var position = entries[index].lowerBound
            let end = entries[index].upperBound
            while position < end {
                guard bytes[position] == UInt8(ascii: "\"") else {
                    position += 1
                    continue
                }
                let start = position + 1
                position = start
                while bytes[position] != UInt8(ascii: "\"") { position += 1 }
                if lengths.contains(position - start), wanted.contains(Array(bytes[start..<position])) { return true }
                position += 1
            }
            return false
        }
    }
}

extension IndexText {
    /// Finds the list and its entries; false if the document isn't as simple as every known writer makes it.
    private mutating func split() -> Bool {
        var (depth, index, start) = (0, 0, 0)
        var name = 0..<0
        var isInList = false
        var isFound = false
        while index < bytes.count {
            let byte = bytes[index]
            switch byte {
            case UInt8(ascii: "\""):
                if isInList, depth == 2 { return false }
                let first = index + 1
                index = first
                while index < bytes.count, bytes[index] != UInt8(ascii: "\"") {
                    if bytes[index] == UInt8(ascii: "\\") { return false }
                    index += 1
                }
                if index == bytes.count { return false }
                name = first..<index
            case UInt8(ascii: "["), UInt8(ascii: "{"):
                if depth == 0, byte != UInt8(ascii: "{") { return false }
                if depth == 1, byte == UInt8(ascii: "["), bytes[name].elementsEqual("manifests".utf8) {
                    if isFound { return false }
                    (isInList, isFound) = (true, true)
                    list = index + 1..<index + 1
                } else if isInList, depth == 2 {
                    if byte != UInt8(ascii: "{") { return false }
                    start = index
                }
                depth += 1
            case UInt8(ascii: "]"), UInt8(ascii: "}"):
                depth -= 1
                if depth < 0 { return false }
                if isInList, depth == 2 { entries.append(start..<index + 1) }
                if isInList, depth == 1 {
                    if byte != UInt8(ascii: "]") { return false }
                    (isInList, list) = (false, list.lowerBound..<index)
                }
            default: break
            }
            index += 1
        }
        return isFound && depth == 0
    }
}
