// Sets of CPUs or memory nodes, in the kernel's list format: `0-3,5`.

public import Linux
internal import SystemPackage

/// CPUs or memory nodes by the kernel's numbers.
public struct CPUSet: Sendable, Hashable, Codable, CustomStringConvertible {
    /// The numbers in ascending order, each once.
    public let numbers: [Int]

    /// The kernel's highest CPU count, CONFIG_NR_CPUS with MAXSMP.
    private static let limit = 8192

    /// Reads the kernel's list format, `0-3,5`; nil for anything else and for an empty set.
    public init?(_ text: String) {
        var found: Set<Int> = []
        for part in text.split(separator: ",", omittingEmptySubsequences: false) {
            let bounds = part.split(separator: "-", omittingEmptySubsequences: false).map(Self.number)
            guard (1...2).contains(bounds.count), let first = bounds[0], let last = bounds[bounds.count - 1],
                first <= last
            else { return nil }
            found.formUnion(first...last)
        }
        numbers = found.sorted()
    }

    private init(_ numbers: [Int]) { self.numbers = numbers.sorted() }

    /// The CPUs that this thread may run on.
    public static func allowed() throws(SystemError) -> CPUSet {
        let status = try OwnedDescriptor("/proc/thread-self/status").readAll(limit: 1 << 16)
        guard let set = Self.allowed(inStatus: String(decoding: status, as: UTF8.self)) else {
            throw SystemError("read the allowed CPUs from", "/proc/thread-self/status", .invalidArgument)
        }
        return set
    }

    /// The CPUs in the text of /proc/PID/status.
    static func allowed(inStatus text: String) -> CPUSet? {
        let line = text.split(separator: "\n").first { $0.hasPrefix("Cpus_allowed_list:") }
        return line.flatMap { $0.split(separator: "\t").last }.flatMap { CPUSet(String($0)) }
    }

    /// Returns `count` adjacent CPUs of this set, from a random one on, so that containers spread over the machine.
    ///
    /// - Returns: nil if the set has fewer.
    public func choosing(_ count: Int) -> CPUSet? {
        guard (1...numbers.count).contains(count) else { return nil }
        let start = Int.random(in: 0..<numbers.count)
        return CPUSet((0..<count).map { numbers[(start + $0) % numbers.count] })
    }

    /// True if all CPUs of the other set are in this one.
    public func contains(_ other: CPUSet) -> Bool { Set(numbers).isSuperset(of: other.numbers) }

    /// The kernel's list format.
    public var description: String {
        var ranges: [ClosedRange<Int>] = []
        for number in numbers {
            if let last = ranges.last, last.upperBound + 1 == number {
                ranges[ranges.count - 1] = last.lowerBound...number
            } else {
                ranges.append(number...number)
            }
        }
        return ranges.map { $0.count == 1 ? "\($0.lowerBound)" : "\($0.lowerBound)-\($0.upperBound)" }
            .joined(separator: ",")
    }

    /// The mask for sched_setaffinity on a little-endian machine: 64-bit words as pairs of 32 bits.
    var mask: [UInt32] {
        var words = [UInt32](repeating: 0, count: ((numbers.last ?? 0) / 64 + 1) * 2)
        for number in numbers { words[number / 32] |= 1 << UInt32(number % 32) }
        return words
    }

    private static func number(_ text: Substring) -> Int? {
        guard !text.isEmpty, text.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let number = Int(text) else {
            return nil
        }
        return number < limit ? number : nil
    }
}
