/// The inputs of a step in the form of their file: NAME NUL VALUE NUL, input by input.
///
/// One array of bytes, since a step that copies a large context has an input for each file.
struct StepInputs: Sendable, Hashable {
    private(set) var bytes: [UInt8] = []

    /// Starts without inputs.
    init() {}

    /// The inputs in a file.
    init(_ bytes: [UInt8]) { self.bytes = bytes }

    /// True without inputs.
    var isEmpty: Bool { bytes.isEmpty }

    /// Adds an input.
    mutating func add(_ input: StepInput) { add([input.name], [input.value]) }

    /// Adds an input whose name and value consist of parts.
    mutating func add(_ name: [String], _ value: [String]) {
        for part in name { bytes += part.utf8 }
        bytes.append(0)
        for part in value { bytes += part.utf8 }
        bytes.append(0)
    }

    /// The inputs, one by one.
    var list: [StepInput] { Self.list(bytes[...]) }

    private static func list(_ bytes: ArraySlice<UInt8>) -> [StepInput] {
        let fields = fields(in: bytes)
        return stride(from: 0, to: fields.count - 1, by: 2).map { StepInput(name: fields[$0], value: fields[$0 + 1]) }
    }

    /// Returns the texts that a NUL ends, one after another.
    static func fields(in bytes: ArraySlice<UInt8>) -> [String] {
        bytes.split(separator: 0, omittingEmptySubsequences: false).dropLast().map {
            String(decoding: $0, as: UTF8.self)
        }
    }

    /// Returns the differences to the inputs of a later step.
    ///
    /// Of the files of a large context most are equal: only what is between equal beginnings and ends is split.
    func changes(to after: StepInputs) -> [StepChange] {
        let head = Self.commonHead(bytes, after.bytes)
        let tail = Self.commonTail(bytes, after.bytes, limit: min(bytes.count, after.bytes.count) - head)
        return StepChange.between(
            Self.list(bytes[head..<(bytes.count - tail)]), Self.list(after.bytes[head..<(after.bytes.count - tail)]))
    }

    /// Returns the length of the whole inputs with which both begin.
    private static func commonHead(_ one: [UInt8], _ other: [UInt8]) -> Int {
        var (end, count) = (0, 0)
        for index in 0..<min(one.count, other.count) {
            guard one[index] == other[index] else { break }
            guard one[index] == 0 else { continue }
            count += 1
            if count.isMultiple(of: 2) { end = index + 1 }
        }
        return end
    }

    /// Returns the length of the whole inputs with which both end.
    private static func commonTail(_ one: [UInt8], _ other: [UInt8], limit: Int) -> Int {
        var (length, count) = (0, 0)
        for size in stride(from: 1, through: limit, by: 1) {
            let (left, right) = (one.count - size, other.count - size)
            guard one[left] == other[right] else { break }
            if one[left] == 0 { count += 1 }
            let isWhole = count > 0 && count.isMultiple(of: 2)
            if isWhole, isStart(left, in: one), isStart(right, in: other) { length = size }
        }
        return length
    }

    /// True if an input may start here: after the end of another one, or first.
    private static func isStart(_ index: Int, in bytes: [UInt8]) -> Bool { index == 0 || bytes[index - 1] == 0 }
}
