internal import ImageFiles
public import OCI

/// A pattern over paths of an image: `*` and `?` within a component, `[a-z]`, and `**` for any number of components.
///
/// It matches a path and, if that is a directory, everything in it. A leading slash changes nothing.
public struct ImagePathPattern: Hashable, Sendable, CustomStringConvertible {
    /// The pattern as written.
    public let description: String
    private let components: [[UInt8]]

    private static let any = Array("**".utf8)

    /// Parses a pattern.
    public init(_ text: String) throws(SlimError) {
        description = text
        components = text.utf8.split(separator: UInt8(ascii: "/")).map(Array.init).filter { $0 != [UInt8(ascii: ".")] }
        guard !components.isEmpty else { throw .malformedPattern(text, reason: "it names the root") }
        guard !components.contains(Array("..".utf8)) else {
            throw .malformedPattern(text, reason: "it leaves the root")
        }
        guard components.count <= 256 else { throw .malformedPattern(text, reason: "it has too many components") }
    }

    /// True if the pattern matches a path, or a directory above it.
    public func matches(_ path: ImagePath) -> Bool {
        // reached[i]: the first i components of the pattern match the part of the path read so far.
        var reached = closed([true] + [Bool](repeating: false, count: components.count))
        for name in path.components {
            var next = [Bool](repeating: false, count: reached.count)
            for index in components.indices where reached[index] {
                if components[index] == Self.any {
                    next[index] = true
                    if index == components.count - 1 { next[index + 1] = true }
                } else if Self.matches(components[index], name) {
                    next[index + 1] = true
                }
            }
            reached = closed(next)
            if reached[components.count] { return true }
        }
        return false
    }

    /// Adds the states in which `**` matches nothing; at the end it matches only a directory's contents.
    private func closed(_ states: [Bool]) -> [Bool] {
        var states = states
        for index in components.indices.dropLast() where states[index] && components[index] == Self.any {
            states[index + 1] = true
        }
        return states
    }

    /// Matches one component against one name; backtracks to the last `*` only.
    private static func matches(_ pattern: [UInt8], _ name: ArraySlice<UInt8>) -> Bool {
        var position = 0
        var index = name.startIndex
        var star: (position: Int, index: Int)?
        while index < name.endIndex {
            if position < pattern.count, pattern[position] == UInt8(ascii: "*") {
                star = (position + 1, index)
                position += 1
            } else if let next = step(pattern, from: position, by: name[index]) {
                position = next
                index += 1
            } else if let back = star {
                star = (back.position, back.index + 1)
                position = back.position
                index = back.index + 1
            } else {
                return false
            }
        }
        return pattern[position...].allSatisfy { $0 == UInt8(ascii: "*") }
    }

    /// Returns the pattern's position after it matched `byte`, or nil if it doesn't match.
    private static func step(_ pattern: [UInt8], from position: Int, by byte: UInt8) -> Int? {
        guard position < pattern.count else { return nil }
        switch pattern[position] {
        case UInt8(ascii: "?"): return position + 1
        case UInt8(ascii: "["):
            guard let end = pattern[position...].dropFirst(2).firstIndex(of: UInt8(ascii: "]")) else { fallthrough }
            return contains(pattern[(position + 1)..<end], byte) ? end + 1 : nil
        default: return pattern[position] == byte ? position + 1 : nil
        }
    }

    private static func contains(_ set: ArraySlice<UInt8>, _ byte: UInt8) -> Bool {
        let isNegated = set.first == UInt8(ascii: "!") || set.first == UInt8(ascii: "^")
        let list = Array(isNegated ? set.dropFirst() : set)
        var index = 0
        while index < list.count {
            if index + 2 < list.count, list[index + 1] == UInt8(ascii: "-") {
                if list[index] <= byte, byte <= list[index + 2] { return !isNegated }
                index += 3
            } else {
                if list[index] == byte { return !isNegated }
                index += 1
            }
        }
        return isNegated
    }
}
