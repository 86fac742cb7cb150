/// A compiled wildcard pattern; matching takes at most path length times pattern length steps.
///
/// It supports two dialects: Go's `path.Match` (`* ? [a-z] [^x] \x`), and that of ignore files, which adds `**`.
struct Glob: Sendable {
    enum Token: Sendable, Equatable {
        case literal(UInt32)
        /// `?`: one character, but no slash.
        case one
        /// `*`: any number of characters, but no slash.
        case star
        case set(CharacterRanges)
        /// `**/`: nothing, or any characters up to a slash; always followed by `.deeper`.
        case directories
        case deeper
        /// `**` at the end: any characters.
        case rest
    }

    struct CharacterRanges: Sendable, Equatable {
        var isNegated = false
        var ranges: [ClosedRange<UInt32>] = []

        func contains(_ character: UInt32) -> Bool { ranges.contains { $0.contains(character) } != isNegated }
    }

    private(set) var tokens: [Token] = []

    /// Compiles a pattern; returns nil for a syntax error in Go.
    init?(_ pattern: [UInt32], doubleStars: Bool) {
        var index = 0
        while index < pattern.count {
            let character = pattern[index]
            index += 1
            switch character {
            case UInt32(Ascii.star):
                let isDouble = doubleStars && index < pattern.count && pattern[index] == UInt32(Ascii.star)
                if isDouble { addDoubleStar(pattern, &index) } else { tokens.append(.star) }
            case UInt32(Ascii.question): tokens.append(.one)
            case UInt32(Ascii.openBracket):
                guard let set = Self.set(pattern, &index) else { return nil }
                tokens.append(.set(set))
            case UInt32(Ascii.backslash):
                guard index < pattern.count else { return nil }
                tokens.append(.literal(pattern[index]))
                index += 1
            default: tokens.append(.literal(character))
            }
        }
    }

    private mutating func addDoubleStar(_ pattern: [UInt32], _ index: inout Int) {
        index += 1
        if index < pattern.count, pattern[index] == UInt32(Ascii.slash) { index += 1 }
        tokens += index == pattern.count ? [.rest] : [.directories, .deeper]
    }

    private static func set(_ pattern: [UInt32], _ index: inout Int) -> CharacterRanges? {
        var set = CharacterRanges()
        if index < pattern.count, pattern[index] == UInt32(Ascii.caret) {
            set.isNegated = true
            index += 1
        }
        repeat {
            if index < pattern.count, pattern[index] == UInt32(Ascii.closeBracket), !set.ranges.isEmpty {
                index += 1
                return set
            }
            guard let low = setCharacter(pattern, &index) else { return nil }
            var high = low
            if index < pattern.count, pattern[index] == UInt32(Ascii.dash) {
                index += 1
                guard let end = setCharacter(pattern, &index) else { return nil }
                high = end
            }
            // A range that runs backwards is legal and contains nothing.
            set.ranges.append(low <= high ? low...high : UInt32.max...UInt32.max)
        } while true
    }

    private static func setCharacter(_ pattern: [UInt32], _ index: inout Int) -> UInt32? {
        guard index < pattern.count else { return nil }
        var character = pattern[index]
        if character == UInt32(Ascii.dash) || character == UInt32(Ascii.closeBracket) { return nil }
        if character == UInt32(Ascii.backslash) {
            index += 1
            guard index < pattern.count else { return nil }
            character = pattern[index]
        }
        index += 1
        return index < pattern.count ? character : nil
    }

    /// True if the pattern matches the whole path or, with `orParent`, one of the directories above it.
    func matches(_ path: [UInt32], orParent: Bool) -> Bool {
        tokens.count < 64
            ? matches(path, orParent: orParent, none: SmallStates())
            : matches(path, orParent: orParent, none: LargeStates(count: tokens.count + 1))
    }

    private func matches<States: StateSet>(_ path: [UInt32], orParent: Bool, none: States) -> Bool {
        var states = none
        states.insert(0)
        close(&states)
        for (index, character) in path.enumerated() {
            var next = none
            var isDead = true
            for (state, token) in tokens.enumerated() where states.contains(state) {
                if let target = step(token, from: state, by: character) {
                    next.insert(target.0)
                    if let other = target.1 { next.insert(other) }
                    isDead = false
                }
            }
            if isDead { return false }
            close(&next)
            states = next
            guard states.contains(tokens.count) else { continue }
            if index + 1 == path.count || (orParent && path[index + 1] == UInt32(Ascii.slash)) { return true }
        }
        return path.isEmpty && states.contains(tokens.count)
    }

    /// Returns the states that a character leads to; nil for none.
    private func step(_ token: Token, from state: Int, by character: UInt32) -> (Int, Int?)? {
        let isSlash = character == UInt32(Ascii.slash)
        switch token {
        case .literal(let wanted): return wanted == character ? (state + 1, nil) : nil
        case .one: return isSlash ? nil : (state + 1, nil)
        case .star: return isSlash ? nil : (state, nil)
        case .set(let set): return set.contains(character) ? (state + 1, nil) : nil
        case .directories: return nil
        case .deeper: return (state, isSlash ? state + 1 : nil)
        case .rest: return (state, nil)
        }
    }

    /// Adds the states that are reached without a character; all of them follow the current state.
    private func close<States: StateSet>(_ states: inout States) {
        for (state, token) in tokens.enumerated() where states.contains(state) {
            switch token {
            case .star, .rest: states.insert(state + 1)
            case .directories:
                states.insert(state + 1)
                states.insert(state + 2)
            default: break
            }
        }
    }
}

private protocol StateSet {
    mutating func insert(_ state: Int)
    func contains(_ state: Int) -> Bool
}

private struct SmallStates: StateSet {
    var bits: UInt64 = 0
    mutating func insert(_ state: Int) { bits |= 1 << UInt64(state) }
    func contains(_ state: Int) -> Bool { bits >> UInt64(state) & 1 == 1 }
}

private struct LargeStates: StateSet {
    var flags: [Bool]
    init(count: Int) { flags = Array(repeating: false, count: count) }
    mutating func insert(_ state: Int) { flags[state] = true }
    func contains(_ state: Int) -> Bool { flags[state] }
}

extension Sequence where Element == UInt8 {
    /// The characters of a path; a byte that isn't UTF-8 becomes a number beyond Unicode.
    var characters: [UInt32] {
        let bytes = Array(self)
        if bytes.allSatisfy({ $0 < 0x80 }) { return bytes.map(UInt32.init) }
        var result: [UInt32] = []
        var index = 0
        while index < bytes.count {
            let byte = bytes[index]
            let length = byte < 0x80 ? 1 : byte >= 0xF0 ? 4 : byte >= 0xE0 ? 3 : byte >= 0xC0 ? 2 : 0
            let end = index + length
            let scalars = length > 0 && end <= bytes.count ? bytes[index..<end].text.unicodeScalars : "".unicodeScalars
            if let scalar = scalars.first, scalars.count == 1, scalar != "\u{FFFD}" || length == 3 {
                result.append(scalar.value)
                index = end
            } else {
                result.append(0x11_0000 + UInt32(byte))
                index += 1
            }
        }
        return result
    }
}
