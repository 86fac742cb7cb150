/// Returns a number of a table of the kernel with one name and one number per line, such as `/proc/vmstat`.
///
/// ```
/// oom_kill 1
/// ```
///
/// `nil` if no line has that name; a kernel leaves out what it doesn't count.
func statistic(_ name: [UInt8], in table: [UInt8]) -> UInt64? {
    for line in table.split(separator: UInt8(ascii: "\n")) {
        let words = line.split(separator: UInt8(ascii: " "))
        guard words.count == 2, Array(words[0]) == name else { continue }
        var number: UInt64 = 0
        for digit in words[1] where digit >= UInt8(ascii: "0") && digit <= UInt8(ascii: "9") {
            number = number &* 10 &+ UInt64(digit - UInt8(ascii: "0"))
        }
        return number
    }
    return nil
}
