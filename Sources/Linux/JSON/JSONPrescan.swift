/// A first pass over a document, which need not be valid.
///
/// It rejects documents with too many levels or values before anything is allocated. It also counts elements, so that
/// the reader's arrays don't grow.
enum JSONPrescan {
    /// Counts the elements of each array and object, in the order in which they begin.
    static func counts(in bytes: [UInt8], depthLimit: Int) throws(JSONError) -> [Int32] {
        let valueLimit = max(1_000_000, bytes.count / 16)
        var counts: [Int32] = []
        var open: [Int] = []
        var valueCount = 1
        var position = 0
        while position < bytes.count {
            switch bytes[position] {
            case UInt8(ascii: "\""): skipText(bytes, &position)
            case UInt8(ascii: "["), UInt8(ascii: "{"):
                guard open.count < depthLimit else { throw .tooDeep(limit: depthLimit) }
                open.append(counts.count)
                counts.append(1)
                valueCount += 1
            case UInt8(ascii: "]"), UInt8(ascii: "}"): _ = open.popLast()
            case UInt8(ascii: ","):
                if let innermost = open.last { counts[innermost] += 1 }
                valueCount += 1
            default: break
            }
            guard valueCount <= valueLimit else { throw .tooManyValues(limit: valueLimit) }
            position += 1
        }
        return counts
    }

    /// Moves from a string's opening quote to its closing one, or to the end.
    private static func skipText(_ bytes: [UInt8], _ position: inout Int) {
        position += 1
        while position < bytes.count, bytes[position] != UInt8(ascii: "\"") {
            position += bytes[position] == UInt8(ascii: "\\") ? 2 : 1
        }
    }
}
