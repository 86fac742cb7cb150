/// The pattern of `${v#p}`, `${v%p}` and `${v/p/r}`, with the wildcards `*` and `?` only.
struct ShellPattern {
    private enum PatternPiece {
        case anything
        case one
        case literal(Unicode.Scalar)
    }

    /// The limit of pattern length times value length, which bounds the steps of matching against hostile input.
    private static let mostSteps = 1 << 26

    private var pieces: [PatternPiece] = []

    /// Parses a pattern.
    ///
    /// - Throws: An ``ExpansionFailure`` for an escape of anything but `* ? \ } /`.
    init(_ text: some StringProtocol) throws(ExpansionFailure) {
        var escaped = false
        for scalar in text.unicodeScalars {
            if escaped {
                guard "*?\\}/".unicodeScalars.contains(scalar) else {
                    throw ExpansionFailure("invalid pattern (\(text)) in substitution: invalid escape '\\\(scalar)'")
                }
                pieces.append(.literal(scalar))
                escaped = false
            } else if scalar == "\\" {
                escaped = true
            } else {
                pieces.append(scalar == "*" ? .anything : scalar == "?" ? .one : .literal(scalar))
            }
        }
        if escaped { throw ExpansionFailure("invalid pattern (\(text)) in substitution: trailing escape") }
    }

    /// Returns the value without the shortest or longest prefix that matches.
    func trimmingPrefix(of value: String, longest: Bool) throws(ExpansionFailure) -> String {
        let scalars = Array(value.unicodeScalars)
        try checkCost(scalars.count)
        guard let end = end(in: scalars, from: 0, longest: longest) else { return value }
        return Self.text(scalars[end...])
    }

    /// Returns the value without the shortest or longest suffix that matches.
    func trimmingSuffix(of value: String, longest: Bool) throws(ExpansionFailure) -> String {
        var mirrored = self
        mirrored.pieces.reverse()
        let rest = try mirrored.trimmingPrefix(of: Self.text(value.unicodeScalars.reversed()), longest: longest)
        return Self.text(rest.unicodeScalars.reversed())
    }

    /// Returns the value with the first match, or every match, replaced; a match is the earliest and longest one.
    func replacing(in value: String, with replacement: String, all: Bool) throws(ExpansionFailure) -> String {
        let scalars = Array(value.unicodeScalars)
        try checkCost(scalars.count)
        var result = String.UnicodeScalarView()
        var cursor = 0
        var lastEnd = -1
        while let start = earliestStart(in: scalars, from: cursor),
            let end = end(in: scalars, from: start, longest: true)
        {
            result += scalars[cursor..<start]
            if end > start || end != lastEnd { result += replacement.unicodeScalars }
            cursor = end
            lastEnd = end
            guard all else { break }
            if end == start {
                guard end < scalars.count else { break }
                result.append(scalars[end])
                cursor += 1
            }
        }
        result += scalars[cursor...]
        return String(result)
    }

    private static func text(_ scalars: some Sequence<Unicode.Scalar>) -> String {
        var view = String.UnicodeScalarView()
        view.append(contentsOf: scalars)
        return String(view)
    }

    private func checkCost(_ count: Int) throws(ExpansionFailure) {
        guard (pieces.count + 1) <= Self.mostSteps / (count + 1) else {
            throw ExpansionFailure("pattern of \(pieces.count) characters is too long for a value of \(count)")
        }
    }

    /// Returns the end of the match that begins at `start`, or nil for none.
    private func end(in scalars: [Unicode.Scalar], from start: Int, longest: Bool) -> Int? {
        var states = [Int?](repeating: nil, count: pieces.count + 1)
        states[0] = start
        close(&states)
        var found: Int?
        var index = start
        while true {
            if states[pieces.count] != nil {
                found = index
                if !longest { return found }
            }
            guard index < scalars.count, states.contains(where: { $0 != nil }) else { return found }
            step(&states, over: scalars[index])
            index += 1
        }
    }

    /// Returns the smallest start of any match at or after `from`.
    private func earliestStart(in scalars: [Unicode.Scalar], from: Int) -> Int? {
        var states = [Int?](repeating: nil, count: pieces.count + 1)
        var best: Int?
        for index in from...scalars.count {
            if best == nil, states[0] == nil {
                states[0] = index
                close(&states)
            }
            if let start = states[pieces.count], start < best ?? .max {
                best = start
                for state in states.indices where states[state] ?? 0 >= start { states[state] = nil }
            }
            if best != nil, states.allSatisfy({ $0 == nil }) { return best }
            if index < scalars.count { step(&states, over: scalars[index]) }
        }
        return best
    }

    /// Advances every state by one character; a state's value is the smallest start that leads to it.
    private func step(_ states: inout [Int?], over scalar: Unicode.Scalar) {
        for state in states.indices.reversed() {
            let moved = state > 0 && accepts(pieces[state - 1], scalar) ? states[state - 1] : nil
            let stayed = state < pieces.count && isStar(state) ? states[state] : nil
            states[state] = smaller(moved, stayed)
        }
        close(&states)
    }

    private func accepts(_ piece: PatternPiece, _ scalar: Unicode.Scalar) -> Bool {
        switch piece {
        case .anything: false
        case .one: true
        case .literal(let wanted): wanted == scalar
        }
    }

    private func isStar(_ index: Int) -> Bool {
        if case .anything = pieces[index] { true } else { false }
    }

    /// Adds the state after each star, since a star may match nothing.
    private func close(_ states: inout [Int?]) {
        for (state, piece) in pieces.enumerated() {
            if case .anything = piece { states[state + 1] = smaller(states[state + 1], states[state]) }
        }
    }

    private func smaller(_ left: Int?, _ right: Int?) -> Int? {
        guard let left, let right else { return left ?? right }
        return min(left, right)
    }
}
