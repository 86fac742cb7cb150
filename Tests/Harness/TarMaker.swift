/// The maker of tar archives byte by byte, also of hostile ones that no tool writes.
public struct TarMaker: Sendable {
    private var bytes: [UInt8] = []

    /// Makes an archive without entries.
    public init() {}

    /// The archive with the two zero blocks at its end.
    public var archive: [UInt8] { bytes + [UInt8](repeating: 0, count: 1024) }

    /// Adds a file.
    public mutating func addFile(_ path: String, _ content: String = "", mode: UInt32 = 0o644) {
        add(path, type: "0", content: Array(content.utf8), mode: mode)
    }

    /// Adds a directory.
    public mutating func addDirectory(_ path: String) { add(path, type: "5", mode: 0o755) }

    /// Adds a symbolic link.
    public mutating func addSymlink(_ path: String, to target: String) { add(path, type: "2", target: target) }

    /// Adds a hard link.
    public mutating func addLink(_ path: String, to target: String) { add(path, type: "1", target: target) }

    /// Adds an entry in the format of POSIX.1-1988, "ustar".
    private mutating func add(
        _ path: String, type: Character, content: [UInt8] = [], target: String = "", mode: UInt32 = 0o777
    ) {
        var header = [UInt8](repeating: 0, count: 512)
        func put(_ text: String, at offset: Int) {
            for (index, byte) in text.utf8.enumerated() { header[offset + index] = byte }
        }
        put(path, at: 0)
        put(Self.octal(UInt64(mode), 7), at: 100)
        put(Self.octal(0, 7), at: 108)
        put(Self.octal(0, 7), at: 116)
        put(Self.octal(UInt64(content.count), 11), at: 124)
        put(Self.octal(1_700_000_000, 11), at: 136)
        put("        ", at: 148)
        put(String(type), at: 156)
        put(target, at: 157)
        put("ustar\u{0}00", at: 257)
        let sum = header.reduce(UInt64(0)) { $0 + UInt64($1) }
        put(Self.octal(sum, 6) + "\u{0} ", at: 148)
        bytes += header + content + [UInt8](repeating: 0, count: (512 - content.count % 512) % 512)
    }

    private static func octal(_ number: UInt64, _ width: Int) -> String {
        let digits = String(number, radix: 8)
        return String(repeating: "0", count: width - digits.count) + digits
    }
}
