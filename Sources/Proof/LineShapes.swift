internal import Probe

/// The kinds of lines of a program's output, without their numbers.
///
/// A word with a digit becomes `#`: times, ports, process IDs and counts differ at every start. The number of equal
/// lines does not count.
enum LineShapes {
    private static let lengthLimit = 400

    /// Returns the shapes of all complete lines; nil if the stream is not known whole.
    static func of(_ stream: StreamDigest) -> Set<String>? {
        guard stream.isWhole else { return nil }
        // The end of the run may cut the last line anywhere.
        let end = stream.prefix.lastIndex(of: 0x0A) ?? 0
        return Set(stream.prefix[..<end].split(separator: 0x0A).map(shape)).subtracting([""])
    }

    private static func shape(_ line: ArraySlice<UInt8>) -> String {
        var shape: [UInt8] = []
        var word: [UInt8] = []
        func closed() -> [UInt8] { word.contains { (0x30...0x39).contains($0) } ? [UInt8(ascii: "#")] : word }
        for byte in line.prefix(lengthLimit) {
            if isWordByte(byte) {
                word.append(byte)
            } else {
                shape += closed()
                word = []
                if byte >= 0x20 { shape.append(byte) }
            }
        }
        return String(decoding: shape + closed(), as: UTF8.self)
    }

    private static func isWordByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "z"),
            UInt8(ascii: "A")...UInt8(ascii: "Z"), 0x80...:
            true
        default: false
        }
    }
}
