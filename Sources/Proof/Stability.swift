internal import Probe

/// The stability of a field: the same at every start of the original, or with words that vary.
enum Stability {
    case stable
    case unstable(Mask)

    init(_ first: ProbeRecord.Value?, _ second: ProbeRecord.Value?) {
        self = first == second ? .stable : .unstable(Mask(first, second))
    }

    /// The words that vary between starts, if the others can be distinguished from them.
    struct Mask {
        /// The varying words by their number; nil if any word may vary.
        private let changing: Set<Int>?
        /// True if the field has a value at every start.
        private let isNeverEmpty: Bool

        fileprivate init(_ first: ProbeRecord.Value?, _ second: ProbeRecord.Value?) {
            isNeverEmpty = !Mask.isEmpty(first) && !Mask.isEmpty(second)
            guard let left = Mask.words(first), let right = Mask.words(second), left.count == right.count else {
                changing = nil
                return
            }
            changing = Set(left.indices.filter { left[$0] != right[$0] })
        }

        /// True if two values differ only in varying words.
        func covers(_ old: ProbeRecord.Value?, _ new: ProbeRecord.Value?) -> Bool {
            if isNeverEmpty, Mask.isEmpty(new) { return false }
            guard let changing else { return old != nil && new != nil }
            guard let left = Mask.words(old), let right = Mask.words(new), left.count == right.count else {
                return false
            }
            return left.indices.allSatisfy { changing.contains($0) || left[$0] == right[$0] }
        }

        private static func isEmpty(_ value: ProbeRecord.Value?) -> Bool {
            switch value {
            case nil: true
            case .text(let text)?: text.isEmpty
            case .content(let content)?: content.isEmpty
            case .set(let names)?: names.isEmpty
            }
        }

        /// Returns the words of a value that is known whole.
        ///
        /// A word is letters, digits and the signs among them; everything between two of them is a word too.
        private static func words(_ value: ProbeRecord.Value?) -> [ArraySlice<UInt8>]? {
            switch value {
            case nil, .set?: nil
            case .text(let text)?: words(Array(text.utf8))
            case .content(let content)?: content.isWhole ? words(content.prefix) : nil
            }
        }

        private static func words(_ bytes: [UInt8]) -> [ArraySlice<UInt8>] {
            var words: [ArraySlice<UInt8>] = []
            var start = 0
            for index in bytes.indices.dropFirst() where isWordByte(bytes[index]) != isWordByte(bytes[index - 1]) {
                words.append(bytes[start..<index])
                start = index
            }
            if start < bytes.count { words.append(bytes[start...]) }
            return words
        }

        private static func isWordByte(_ byte: UInt8) -> Bool {
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "z"),
                UInt8(ascii: "A")...UInt8(ascii: "Z"), 0x80...:
                true
            default: Array("._-+:".utf8).contains(byte)
            }
        }
    }
}
