/// A number of bytes of memory, in binary units: `128 MiB`.
public struct MemorySize: Sendable, Hashable, CustomStringConvertible {
    /// The number of bytes.
    public let byteCount: Int64

    /// A size of `byteCount` bytes.
    public init(_ byteCount: Int64) { self.byteCount = byteCount }

    /// The size in the largest unit that needs at most one decimal place, else in bytes.
    public var description: String {
        for (unit, factor) in [("GiB", Int64(1) << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)] where byteCount >= factor {
            if byteCount % factor == 0 { return "\(byteCount / factor) \(unit)" }
            let tenths = byteCount % factor * 10
            if tenths % factor == 0 { return "\(byteCount / factor).\(tenths / factor) \(unit)" }
        }
        return "\(byteCount) bytes"
    }
}
