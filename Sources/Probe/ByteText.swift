// Text as bytes, without the tables of Unicode that a String would bring into init.

/// Returns the bytes of a literal.
func bytes(_ text: StaticString) -> [UInt8] {
    // A literal without interpolation always has a pointer, to memory that is never freed.
    unsafe Array(UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
}

/// Formats a number in decimal digits.
func decimal(_ number: UInt64) -> [UInt8] {
    var digits: [UInt8] = []
    var rest = number
    repeat {
        digits.insert(UInt8(ascii: "0") + UInt8(rest % 10), at: 0)
        rest /= 10
    } while rest > 0
    return digits
}
