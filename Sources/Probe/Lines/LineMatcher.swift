/// Matches a pattern against the lines of an output that arrives in pieces; it stores no text.
public struct LineMatcher {
    private let steps: [LinePattern.PatternStep]
    private var reader = CharacterReader()
    /// The steps that are active after the last character.
    private var reached: [Int] = []
    /// The active steps that consume the next character.
    private var following: [Int] = []
    private var previous: Unicode.Scalar?
    /// The round in which a step was last visited.
    private var seen: [UInt64]
    private var round: UInt64 = 0

    /// A matcher of the pattern of a ``ProbeAction/log(_:)``; `nil` for an invalid one, which no parsed probe has.
    public init?(_ pattern: [UInt8]) {
        guard let pattern = try? LinePattern(String(decoding: pattern, as: UTF8.self)) else { return nil }
        self.init(pattern)
    }

    init(_ pattern: LinePattern) {
        steps = pattern.steps
        seen = [UInt64](repeating: 0, count: steps.count)
    }

    /// Consumes more output; true if a line matches.
    ///
    /// A line is matched at its end, and its beginning also at the end of each piece.
    public mutating func matches(_ bytes: [UInt8]) -> Bool {
        for byte in bytes {
            guard let character = reader.take(byte) else { continue }
            if character == "\n" || character == "\r" {
                if isFoundAtEnd { return true }
                reached.removeAll(keepingCapacity: true)
                previous = nil
            } else if isFound(before: character) {
                return true
            }
        }
        return isFoundAtEnd
    }

    private var isFoundAtEnd: Bool {
        mutating get {
            // The line may go on in the next piece.
            let kept = reached
            defer { reached = kept }
            return previous != nil && !follow(nil)
        }
    }

    private mutating func isFound(before character: Unicode.Scalar) -> Bool {
        guard follow(character) else { return true }
        reached.removeAll(keepingCapacity: true)
        for index in following {
            if case .character(let wanted) = steps[index], wanted.contains(character) { reached.append(index + 1) }
        }
        previous = character
        return false
    }

    /// Replaces `reached` by the active steps that consume a character, each once; false if the pattern has matched.
    private mutating func follow(_ next: Unicode.Scalar?) -> Bool {
        round += 1
        following.removeAll(keepingCapacity: true)
        // A match may begin anywhere.
        reached.append(0)
        while let index = reached.popLast() {
            guard seen[index] != round else { continue }
            seen[index] = round
            switch steps[index] {
            case .character: following.append(index)
            case .assertion(let place): if place.holds(between: previous, and: next) { reached.append(index + 1) }
            case .fork(let one, let other):
                reached.append(one)
                reached.append(other)
            case .end: return false
            }
        }
        return true
    }
}

/// Decodes UTF-8 from bytes that arrive in pieces; invalid bytes are U+FFFD or are dropped.
struct CharacterReader {
    private static let unknown: Unicode.Scalar = "\u{FFFD}"
    private var value: UInt32 = 0
    private var missing = 0

    mutating func take(_ byte: UInt8) -> Unicode.Scalar? {
        if byte & 0xC0 == 0x80, missing > 0 {
            value = value << 6 | UInt32(byte & 0x3F)
            missing -= 1
            return missing > 0 ? nil : Unicode.Scalar(value) ?? CharacterReader.unknown
        }
        missing = 0
        switch byte {
        case 0x00...0x7F: return Unicode.Scalar(byte)
        case 0xC2...0xDF: (value, missing) = (UInt32(byte & 0x1F), 1)
        case 0xE0...0xEF: (value, missing) = (UInt32(byte & 0x0F), 2)
        case 0xF0...0xF4: (value, missing) = (UInt32(byte & 0x07), 3)
        default: return CharacterReader.unknown
        }
        return nil
    }
}
