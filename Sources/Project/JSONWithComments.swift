/// The conversion of JSON with comments and trailing commas, as in `wrangler.jsonc`, to plain JSON.
enum JSONWithComments {
    /// Returns the bytes with blanks in the place of comments and trailing commas, so that positions stay the same.
    static func plain(_ text: [UInt8]) -> [UInt8] {
        var bytes = text
        var comma: Int?
        var index = 0
        while index < bytes.count {
            let next = index + 1 < bytes.count ? bytes[index + 1] : 0
            switch (bytes[index], next) {
            case (UInt8(ascii: "\""), _):
                comma = nil
                index = endOfString(bytes, from: index)
                continue
            case (UInt8(ascii: "/"), UInt8(ascii: "/")):
                let end = bytes[index...].firstIndex(of: UInt8(ascii: "\n")) ?? bytes.count
                blank(&bytes, index..<end)
                index = end
                continue
            case (UInt8(ascii: "/"), UInt8(ascii: "*")):
                let end = endOfComment(bytes, from: index + 2)
                blank(&bytes, index..<end)
                index = end
                continue
            case (UInt8(ascii: ","), _): comma = index
            case (UInt8(ascii: "}"), _), (UInt8(ascii: "]"), _):
                if let place = comma { bytes[place] = UInt8(ascii: " ") }
                comma = nil
            case (let byte, _) where !" \t\r\n".utf8.contains(byte): comma = nil
            default: break
            }
            index += 1
        }
        return bytes
    }

    private static func endOfString(_ bytes: [UInt8], from start: Int) -> Int {
        var index = start + 1
        while index < bytes.count {
            if bytes[index] == UInt8(ascii: "\"") { return index + 1 }
            index += bytes[index] == UInt8(ascii: "\\") ? 2 : 1
        }
        return bytes.count
    }

    private static func endOfComment(_ bytes: [UInt8], from start: Int) -> Int {
        var index = start
        while index + 1 < bytes.count {
            if bytes[index] == UInt8(ascii: "*"), bytes[index + 1] == UInt8(ascii: "/") { return index + 2 }
            index += 1
        }
        return bytes.count
    }

    private static func blank(_ bytes: inout [UInt8], _ range: Range<Int>) {
        for index in range where bytes[index] != UInt8(ascii: "\n") { bytes[index] = UInt8(ascii: " ") }
    }
}
