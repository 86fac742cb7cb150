/// Sizes of memory such as `64m` and `1.5GiB`; all units are powers of 1024.
enum MemorySizeText {
    static func bytes(_ text: String) -> Int64? {
        let number = text.utf8.prefix { $0.isDigit || $0 == Ascii.dot }
        var unit = text.utf8.dropFirst(number.count).drop(while: \.isBlank).text.asciiLowercased
        guard number.first?.isDigit == true, let value = Double(number.text) else { return nil }
        if unit.utf8.last == UInt8(ascii: "b") { unit.removeLast() }
        if unit.utf8.last == UInt8(ascii: "i"), unit.utf8.count == 2 { unit.removeLast() }
        guard let power = ["", "k", "m", "g", "t", "p"].firstIndex(of: unit) else { return nil }
        let bytes = value * Double(Int64(1) << (10 * Int64(power)))
        return bytes < 9.2e18 ? Int64(bytes) : nil
    }
}
