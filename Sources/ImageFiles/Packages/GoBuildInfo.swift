/// The search for the modules of a Go program, which its linker wrote into the file since Go 1.18.
///
/// The file arrives in chunks, and only the bytes after a mark are kept.
struct GoBuildInfo {
    private static let magic = [0xff] + Array(" Go buildinf:".utf8)
    private static let headerSize = 32
    private static let maximumSize = 1 << 20
    /// The lines of the modules are between two marks of this size.
    private static let fence = 16

    private var captured: [UInt8] = []
    /// The last bytes before the next chunk, in which a mark may begin.
    private var tail: [UInt8] = []
    private var isFound = false

    mutating func receive(_ chunk: ArraySlice<UInt8>) {
        if isFound {
            captured += chunk.prefix(Self.maximumSize - captured.count)
            return
        }
        var rest = tail.isEmpty ? chunk : (tail + chunk)[...]
        while let start = rest.firstIndex(of: Self.magic[0]) {
            rest = rest[start...]
            guard rest.count >= Self.headerSize + 3 else { break }
            if Self.isHeader(rest) {
                isFound = true
                captured = Array(rest.prefix(Self.maximumSize))
                tail = []
                return
            }
            rest = rest.dropFirst()
        }
        // The tail is shorter than a header, or begins with the mark's first byte.
        tail = rest.first == Self.magic[0] ? Array(rest.prefix(Self.headerSize + 3)) : []
    }

    /// True at a mark with strings in it, as opposed to the text of a program that looks for marks.
    private static func isHeader(_ bytes: ArraySlice<UInt8>) -> Bool {
        guard bytes.starts(with: magic) else { return false }
        let start = bytes.startIndex
        return bytes[start + 15] & 2 != 0 && bytes[start + headerSize + 1] == UInt8(ascii: "g")
            && bytes[start + headerSize + 2] == UInt8(ascii: "o")
    }

    /// Returns the standard library and the modules; nothing for another program.
    func packages(size: Int64) -> [ListedPackage] {
        guard isFound else { return [] }
        var rest = captured.dropFirst(Self.headerSize)
        guard let version = Self.string(&rest), let modules = Self.string(&rest) else { return [] }
        let release = version.text.split(separator: " ").first?.dropFirst(2) ?? ""
        var packages = [ListedPackage(.go, name: "stdlib", version: String(release))]
        for line in ByteLines(modules.dropFirst(Self.fence).dropLast(Self.fence)) {
            let fields = line.text.split(separator: "\t", omittingEmptySubsequences: false).map(String.init)
            guard fields.count >= 3 else { continue }
            switch fields[0] {
            case "mod":
                packages.append(ListedPackage(.go, name: fields[1], version: fields[2], byteCount: size))
            case "dep": packages.append(ListedPackage(.go, name: fields[1], version: fields[2]))
            case "=>":
                packages.removeLast()
                packages.append(ListedPackage(.go, name: fields[1], version: fields[2]))
            default: continue
            }
        }
        return packages
    }

    /// Reads a string with its length before it, as an unsigned varint.
    private static func string(_ bytes: inout ArraySlice<UInt8>) -> ArraySlice<UInt8>? {
        var (length, shift) = (0, 0)
        while let byte = bytes.popFirst() {
            length |= Int(byte & 0x7f) << shift
            shift += 7
            if byte & 0x80 == 0 { break }
            if shift > 28 { return nil }
        }
        guard length <= bytes.count else { return nil }
        defer { bytes = bytes.dropFirst(length) }
        return bytes.prefix(length)
    }
}
