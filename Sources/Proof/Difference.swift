internal import Probe

/// A field in which two probe results differ.
public struct Difference: Hashable, Sendable, CustomStringConvertible {
    /// The name of the field, and the line or byte in a stream.
    public let field: String
    /// The original's value.
    public let before: String
    /// The slim image's value.
    public let after: String
    /// True if a name or a line is missing or new, which may come by chance.
    var isOfSet = false

    /// The difference as a clause: `status was '200', is '500'`.
    public var description: String { "\(field) was \(before), is \(after)" }

    /// Describes the difference of two fields of that name; a field may be missing.
    init(_ field: String, before: ProbeRecord.Value?, after: ProbeRecord.Value?) {
        switch (before, after) {
        case (.content(let old)?, .content(let new)?):
            let part = StreamDifference(old, new)
            self.init(part.place.isEmpty ? field : "\(field), \(part.place)", part.before, part.after)
        default: self.init(field, Self.words(before), Self.words(after))
        }
    }

    /// Describes a name or line that only the original has.
    init(ofSet field: String, missing member: String) {
        self.init(field, quoted(Array(member.utf8)[...]), "missing")
        isOfSet = true
    }

    /// Describes a name or line that only the slim image has.
    init(ofSet field: String, new member: String) {
        self.init(field, "missing", quoted(Array(member.utf8)[...]))
        isOfSet = true
    }

    private init(_ field: String, _ before: String, _ after: String) {
        self.field = field
        self.before = before
        self.after = after
    }

    private static func words(_ value: ProbeRecord.Value?) -> String {
        switch value {
        case nil: "missing"
        case .text(let text)?: quoted(Array(text.utf8)[...])
        case .content(let content)?: "\(content.byteCount) bytes"
        case .set(let names)?: quoted(Array(names.sorted().joined(separator: " ").utf8)[...])
        }
    }

    /// The first difference of two streams, and the text there.
    private struct StreamDifference {
        var place = ""
        var before: String
        var after: String

        init(_ old: StreamDigest, _ new: StreamDigest) {
            (before, after) = ("\(old.byteCount) bytes", "\(new.byteCount) bytes")
            let (left, right) = (old.prefix, new.prefix)
            guard let index = Self.firstDifference(left, right) else {
                if old.byteCount == new.byteCount { (before, after) = (Self.text(old.digest), Self.text(new.digest)) }
                return
            }
            guard !left.contains(0), !right.contains(0) else {
                place = "byte \(index)"
                return
            }
            place = "line \(left[..<index].count { $0 == 0x0A } + 1)"
            before = quoted(Self.line(around: index, left))
            after = quoted(Self.line(around: index, right))
        }

        private static func text(_ digest: [UInt8]) -> String {
            "sha256:" + digest.map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
        }

        /// Returns the first index at which the bytes differ, or nil.
        private static func firstDifference(_ left: [UInt8], _ right: [UInt8]) -> Int? {
            let common = zip(left, right).prefix { $0 == $1 }.count
            return common == left.count && common == right.count ? nil : common
        }

        private static func line(around index: Int, _ text: [UInt8]) -> ArraySlice<UInt8> {
            let start = text[..<min(index, text.count)].lastIndex(of: 0x0A).map { $0 + 1 } ?? 0
            return text[start...].prefix { $0 != 0x0A }
        }
    }
}

/// Quotes a text safely for people: without control characters, and not longer than a line.
private func quoted(_ text: ArraySlice<UInt8>) -> String {
    let limit = 100
    let visible = String(decoding: text.prefix(4 * limit), as: UTF8.self).unicodeScalars.filter {
        $0.value >= 0x20 && !(0x7F...0x9F).contains($0.value)
    }
    let words = String(String.UnicodeScalarView(visible))
    return words.count > limit || text.count > 4 * limit ? "'\(words.prefix(limit))…'" : "'\(words)'"
}
