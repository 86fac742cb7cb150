// The kernel's tables about one thread: /proc/PID/stat and /proc/PID/status.

/// The fields of `/proc/PID/stat` that a record needs.
///
/// ```
/// 7 (python3) S 1 7 7 0 -1 4194304 812 0 3 0 21 4 0 0 20 0 1 0 137 ...
///     name      3                        12                   22: clock ticks since the kernel's start
/// ```
struct ThreadStat {
    let name: [UInt8]
    let majorFaults: UInt64
    /// In nanoseconds.
    let started: UInt64

    private static let tick: UInt64 = 10_000_000

    /// Parses a line; nil for another text.
    ///
    /// The name itself may contain blanks and parentheses.
    init?(_ line: [UInt8]) {
        guard let open = line.firstIndex(of: UInt8(ascii: "(")), let close = line.lastIndex(of: UInt8(ascii: ")")),
            open < close
        else { return nil }
        let fields = line[(close + 1)...].split(separator: UInt8(ascii: " "))
        guard fields.count > 19, let faults = firstNumber(Array(fields[9])), let ticks = firstNumber(Array(fields[19]))
        else { return nil }
        name = Array(line[(open + 1)..<close])
        majorFaults = faults
        started = ticks &* ThreadStat.tick
    }
}

/// True if a signal with this number reaches its process also if that is PID 1: it is caught, or blocked until
/// `sigwait` takes it.
func isHandled(_ signal: Int, status: [UInt8]) -> Bool {
    for name in ["SigCgt", "SigBlk"] as [StaticString] {
        // The low 32 bits of 64.
        guard let text = field(bytes(name), of: status), let mask = hexadecimal(Array(text.suffix(8))) else { continue }
        if mask >> UInt64(signal - 1) & 1 == 1 { return true }
    }
    return false
}

/// Returns the value of a field of `/proc/PID/status`, such as `SigCgt:\t0000000000004002`.
func field(_ name: [UInt8], of status: [UInt8]) -> [UInt8]? {
    for line in status.split(separator: UInt8(ascii: "\n")) {
        guard line.starts(with: name), line.count > name.count, line[line.startIndex + name.count] == UInt8(ascii: ":")
        else { continue }
        return line.dropFirst(name.count + 1).filter { $0 != UInt8(ascii: " ") && $0 != UInt8(ascii: "\t") }
    }
    return nil
}

/// Returns the number at the start of a text.
func firstNumber(_ text: [UInt8]) -> UInt64? {
    var value: UInt64?
    for digit in text {
        guard digit >= UInt8(ascii: "0"), digit <= UInt8(ascii: "9") else { break }
        value = (value ?? 0) &* 10 &+ UInt64(digit - UInt8(ascii: "0"))
    }
    return value
}
