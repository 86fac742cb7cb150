// Programs in classic BPF, the language of seccomp filters.
//
//     load architecture
//     is it x86-64? ── no ──► is it i386? ── no ──► fail
//          │ yes                   │
//     load number             load number
//     a tree of comparisons with the starts of sections
//     each leaf: allow, fail, or a check of the first argument

internal import Glibc

/// The result of a system call under a filter.
enum FilterAction: Hashable {
    /// The call is allowed if its first argument meets one of the conditions, or if there are none.
    case allow([SeccompRule.Condition])
    /// The call fails with this error.
    case fail(Int32)
    /// The call goes to the listener if the argument at this index is the mode of a device node; else it is allowed.
    case notifyDevices(mode: Int)
}

/// Call numbers from `start` to the next section's start, with the same action.
struct FilterSection: Hashable {
    let start: UInt32
    let action: FilterAction
}

/// A program under construction.
struct FilterProgram {
    /// The instructions, two words each.
    private(set) var words: [UInt32] = BPFInstruction.load(4).words

    /// Adds the sections for the calls of an architecture; they are in order, and the first one starts at 0.
    mutating func add(_ architecture: UInt32, _ sections: [FilterSection]) {
        let tree = BPFInstruction.load(0).words + Self.tree(Self.merged(sections)[...])
        words +=
            BPFInstruction.isEqual(architecture, true: 1).words + BPFInstruction.jump(over: tree.count / 2).words + tree
    }

    /// Ends the program: calls of any other architecture fail with EPERM.
    mutating func finish() {
        words += BPFInstruction.fail(EPERM).words
    }

    private static func merged(_ sections: [FilterSection]) -> [FilterSection] {
        var result: [FilterSection] = []
        for section in sections {
            // Of two with the same start keep the later one; of two with the same action keep the earlier one.
            if result.last?.start == section.start { result.removeLast() }
            if result.last?.action != section.action { result.append(section) }
        }
        return result
    }

    /// A binary search of the sections; its depth is the logarithm of their number.
    private static func tree(_ sections: ArraySlice<FilterSection>) -> [UInt32] {
        guard sections.count > 1 else { return sections.first.map { leaf($0.action) } ?? [] }
        let middle = sections.startIndex + sections.count / 2
        let lower = tree(sections[..<middle])
        let upper = tree(sections[middle...])
        let count = lower.count / 2
        let start = sections[middle].start
        if let short = UInt8(exactly: count) {
            return BPFInstruction.isAtLeast(start, true: short).words + lower + upper
        }
        return BPFInstruction.isAtLeast(start, false: 1).words + BPFInstruction.jump(over: count).words + lower + upper
    }

    private static func leaf(_ action: FilterAction) -> [UInt32] {
        switch action {
        case .fail(let errno): BPFInstruction.fail(errno).words
        case .allow(let conditions) where conditions.isEmpty: BPFInstruction.allow.words
        case .allow(let conditions): check(conditions)
        case .notifyDevices(let index): notifyDevices(index)
        }
    }

    private static func notifyDevices(_ index: Int) -> [UInt32] {
        BPFInstruction.load(16 + 8 * UInt32(index)).words + BPFInstruction.and(UInt32(S_IFMT)).words
            + BPFInstruction.isEqual(UInt32(S_IFCHR), true: 2).words
            + BPFInstruction.isEqual(UInt32(S_IFBLK), true: 1).words
            + BPFInstruction.allow.words + BPFInstruction.notify.words
    }

    /// Checks the lower half of the first argument; the kernel reads only that half of the arguments checked here.
    private static func check(_ conditions: [SeccompRule.Condition]) -> [UInt32] {
        var result = BPFInstruction.load(16).words
        for (index, condition) in conditions.enumerated() {
            // Skips the other conditions and the failure.
            let allowed = UInt8(conditions.count - index)
            switch condition {
            case .equal(let value): result += BPFInstruction.isEqual(value, true: allowed).words
            case .notEqual(let value): result += BPFInstruction.isEqual(value, false: allowed).words
            case .clear(let bits): result += BPFInstruction.hasAny(bits, false: allowed).words
            }
        }
        return result + BPFInstruction.fail(EPERM).words + BPFInstruction.allow.words
    }
}

/// One instruction.
private struct BPFInstruction {
    let words: [UInt32]

    private init(_ code: UInt32, _ value: UInt32, true jumpTrue: UInt8 = 0, false jumpFalse: UInt8 = 0) {
        words = [code | UInt32(jumpTrue) << 16 | UInt32(jumpFalse) << 24, value]
    }

    /// Loads a word of `struct seccomp_data`: 0 the number, 4 the architecture, 16 the first argument's lower half.
    static func load(_ offset: UInt32) -> BPFInstruction { BPFInstruction(0x20, offset) }

    static func and(_ value: UInt32) -> BPFInstruction { BPFInstruction(0x54, value) }

    static func jump(over count: Int) -> BPFInstruction { BPFInstruction(0x05, UInt32(count)) }

    static func isEqual(_ value: UInt32, true jumpTrue: UInt8 = 0, false jumpFalse: UInt8 = 0) -> BPFInstruction {
        BPFInstruction(0x15, value, true: jumpTrue, false: jumpFalse)
    }

    static func isAtLeast(_ value: UInt32, true jumpTrue: UInt8 = 0, false jumpFalse: UInt8 = 0) -> BPFInstruction {
        BPFInstruction(0x35, value, true: jumpTrue, false: jumpFalse)
    }

    static func hasAny(_ bits: UInt32, false jumpFalse: UInt8) -> BPFInstruction {
        BPFInstruction(0x45, bits, false: jumpFalse)
    }

    static func fail(_ errno: Int32) -> BPFInstruction { BPFInstruction(0x06, 0x0005_0000 | UInt32(errno)) }
    static let allow = BPFInstruction(0x06, 0x7fff_0000)
    static let notify = BPFInstruction(0x06, 0x7fc0_0000)
}
