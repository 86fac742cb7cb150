/// Returns the kernel's count of processes that it killed for lack of memory, from the text of `/proc/vmstat`.
///
/// ```
/// oom_kill 1
/// ```
///
/// 0 for a kernel that doesn't count them.
func killCount(inStatistics table: [UInt8]) -> UInt64 {
    for line in table.split(separator: UInt8(ascii: "\n")) {
        let words = line.split(separator: UInt8(ascii: " "))
        guard words.count == 2, Array(words[0]) == bytesOfKillCount else { continue }
        var count: UInt64 = 0
        for digit in words[1] where digit >= UInt8(ascii: "0") && digit <= UInt8(ascii: "9") {
            count = count &* 10 &+ UInt64(digit - UInt8(ascii: "0"))
        }
        return count
    }
    return 0
}

/// The bytes of `oom_kill`.
private let bytesOfKillCount: [UInt8] = [0x6f, 0x6f, 0x6d, 0x5f, 0x6b, 0x69, 0x6c, 0x6c]
