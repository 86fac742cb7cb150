/// A number of bytes of memory, in binary units: `128 MiB`.
public struct MemorySize: Sendable, Hashable, CustomStringConvertible {
    /// The number.
    public let byteCount: Int64

    /// That many bytes.
    public init(_ byteCount: Int64) { self.byteCount = byteCount }

    /// The largest unit that needs at most one decimal place, and bytes where none does.
    public var description: String {
        for (unit, factor) in [("GiB", Int64(1) << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)] where byteCount >= factor {
            if byteCount % factor == 0 { return "\(byteCount / factor) \(unit)" }
            let tenths = byteCount % factor * 10
            if tenths % factor == 0 { return "\(byteCount / factor).\(tenths / factor) \(unit)" }
        }
        return "\(byteCount) bytes"
    }
}
