// Numbers in the byte order of all structures for a kernel, and of EROFS.

extension [UInt8] {
    /// Appends a number, low byte first.
    @inlinable public mutating func append(little number: some FixedWidthInteger) {
        for index in 0..<(number.bitWidth / 8) { append(UInt8(truncatingIfNeeded: number >> (8 * index))) }
    }

    /// Overwrites existing bytes.
    @inlinable public mutating func set(_ number: some FixedWidthInteger, at offset: Int) {
        for index in 0..<(number.bitWidth / 8) {
            self[offset + index] = UInt8(truncatingIfNeeded: number >> (8 * index))
        }
    }

    /// Returns the number at an offset; `nil` if it is beyond the end.
    @inlinable public func number<Number: FixedWidthInteger>(_: Number.Type, at offset: Int) -> Number? {
        let size = Number.bitWidth / 8
        guard offset >= 0, offset <= count - size else { return nil }
        var number = Number.zero
        for index in 0..<size { number |= Number(truncatingIfNeeded: self[offset + index]) << Number(8 * index) }
        return number
    }
}
