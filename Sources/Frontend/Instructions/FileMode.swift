/// The value of `--chmod=`: octal, or symbolic as in chmod(1) with umask 0.
public enum FileMode: Hashable, Sendable {
    /// One clause of a symbolic mode.
    public struct Clause: Hashable, Sendable {
        /// The permission bits of the classes that it changes: 0o700, 0o070, 0o007 and their sums.
        let who: UInt32
        let operation: UInt8
        let letters: [UInt8]
    }

    /// All twelve bits.
    case octal(UInt32)
    /// The clauses, applied in order.
    case symbolic([Clause])

    /// Parses a mode.
    ///
    /// - Throws: A ``Diagnostic`` at `position` for text that is not a mode.
    public init(_ text: String, at position: Position) throws(Diagnostic) {
        if text.utf8.first?.isDigit == true {
            guard text.utf8.allSatisfy(\.isOctalDigit), let bits = UInt32(text, radix: 8), bits <= 0o7777 else {
                let rule = "it should be octal string(e.g. 0755) or symbolic(e.g. u=rw,g=r,o=r)"
                throw Diagnostic(position, "invalid chmod parameter: '\(text)'. \(rule)")
            }
            self = .octal(bits)
            return
        }
        var clauses: [Clause] = []
        for part in text.utf8.split(separator: Ascii.comma, omittingEmptySubsequences: false) {
            guard Self.read(part, into: &clauses) else {
                throw Diagnostic(position, "invalid chmod parameter: '\(text)'")
            }
        }
        self = .symbolic(clauses)
    }

    static func check(_ text: String, at position: Position) throws(Diagnostic) { _ = try FileMode(text, at: position) }

    private static func read(_ part: Substring.UTF8View, into clauses: inout [Clause]) -> Bool {
        let classes = part.prefix { "ugoa".utf8.contains($0) }
        var rest = part.dropFirst(classes.count)
        var who = classes.reduce(UInt32(0)) { $0 | bits(of: $1) }
        if who == 0 { who = 0o777 }
        guard !rest.isEmpty else { return false }
        while let operation = rest.first {
            guard "+-=".utf8.contains(operation) else { return false }
            let letters = rest.dropFirst().prefix { !"+-=".utf8.contains($0) }
            let isCopy = letters.count == 1 && letters.allSatisfy { "ugo".utf8.contains($0) }
            guard isCopy || letters.allSatisfy({ "rwxXst".utf8.contains($0) }) else { return false }
            clauses.append(Clause(who: who, operation: operation, letters: Array(letters)))
            rest = rest.dropFirst(1 + letters.count)
        }
        return true
    }

    private static func bits(of who: UInt8) -> UInt32 {
        switch who {
        case UInt8(ascii: "u"): 0o700
        case UInt8(ascii: "g"): 0o070
        case UInt8(ascii: "o"): 0o007
        default: 0o777
        }
    }

    /// Returns the new permission bits (07777) of a file with the mode `mode`.
    public func applied(to mode: UInt32, isDirectory: Bool) -> UInt32 {
        switch self {
        case .octal(let bits): bits
        case .symbolic(let clauses): clauses.reduce(mode & 0o7777) { $1.applied(to: $0, isDirectory: isDirectory) }
        }
    }
}

extension FileMode.Clause {
    fileprivate func applied(to mode: UInt32, isDirectory: Bool) -> UInt32 {
        let value = letters.reduce(UInt32(0)) { $0 | bits(of: $1, in: mode, isDirectory) }
        switch operation {
        case UInt8(ascii: "+"): return mode | value
        case UInt8(ascii: "-"): return mode & ~value
        default: return mode & ~(who | special) | value
        }
    }

    /// The set-id and sticky bits that `=` clears.
    private var special: UInt32 {
        (who & 0o700 == 0 ? 0 : 0o4000) | (who & 0o070 == 0 ? 0 : 0o2000) | (who == 0o777 ? 0o1000 : 0)
    }

    private func bits(of letter: UInt8, in mode: UInt32, _ isDirectory: Bool) -> UInt32 {
        switch letter {
        case UInt8(ascii: "r"): return who & 0o444
        case UInt8(ascii: "w"): return who & 0o222
        case UInt8(ascii: "x"): return who & 0o111
        case UInt8(ascii: "X"): return isDirectory || mode & 0o111 != 0 ? who & 0o111 : 0
        case UInt8(ascii: "s"): return (who & 0o700 == 0 ? 0 : 0o4000) | (who & 0o070 == 0 ? 0 : 0o2000)
        case UInt8(ascii: "t"): return 0o1000
        case UInt8(ascii: "u"): return who & ((mode >> 6 & 7) * 0o111)
        case UInt8(ascii: "g"): return who & ((mode >> 3 & 7) * 0o111)
        default: return who & ((mode & 7) * 0o111)
        }
    }
}
