/// A path inside an image: relative to its root, without empty, `.` or `..` components.
///
/// The path is bytes, because names on Linux are bytes. The root is the empty path. Paths are sorted by bytes, so a
/// directory comes before its contents.
public struct ImagePath: Hashable, Sendable, Comparable, CustomStringConvertible {
    /// The bytes, such as `usr/bin/env`, with no slash at either end.
    public let bytes: [UInt8]

    public static let root = ImagePath(checked: [])

    private init(checked bytes: [UInt8]) { self.bytes = bytes }

    /// The reason that bytes are no path inside an image.
    public enum PathFault: Error, Sendable, Equatable, CustomStringConvertible {
        case leavesRoot, containsNul, tooLong

        public var description: String {
            switch self {
            case .leavesRoot: "leaves the root"
            case .containsNul: "contains a NUL byte"
            case .tooLong: "is longer than 4096 bytes"
            }
        }
    }

    /// Parses the name of an archive's entry, and refuses a hostile one.
    ///
    /// An absolute name starts at the root of the archive: kaniko and `tar -P` write such names.
    public init(entry raw: some Collection<UInt8>) throws(PathFault) {
        try self.init(relative: raw)
    }

    /// Parses a path as a user or a configuration writes it: a leading slash means the root.
    public init(_ text: String) throws(PathFault) {
        try self.init(relative: text.utf8)
    }

    private init(relative raw: some Collection<UInt8>) throws(PathFault) {
        guard raw.count <= 4096 else { throw .tooLong }
        var raw = Array(raw)
        if raw.last == UInt8(ascii: "/") { raw.removeLast() }
        guard !Self.isClean(raw) else {
            bytes = raw
            return
        }
        guard !raw.contains(0) else { throw .containsNul }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(raw.count)
        for component in raw.split(separator: UInt8(ascii: "/")) {
            if component.elementsEqual([UInt8(ascii: ".")]) { continue }
            guard !component.elementsEqual([UInt8(ascii: "."), UInt8(ascii: ".")]) else { throw .leavesRoot }
            if !bytes.isEmpty { bytes.append(UInt8(ascii: "/")) }
            bytes.append(contentsOf: component)
        }
        self.bytes = bytes
    }

    /// True if `raw` needs no change and no refusal, as nearly every entry of a layer.
    ///
    /// The check is one pass without an allocation.
    private static func isClean(_ raw: [UInt8]) -> Bool {
        var length = 0
        var dots = 0
        for byte in raw {
            if byte == UInt8(ascii: "/") {
                if length == 0 || length == dots && dots <= 2 { return false }
                (length, dots) = (0, 0)
            } else {
                if byte == 0 { return false }
                length += 1
                if byte == UInt8(ascii: ".") { dots += 1 }
            }
        }
        return raw.isEmpty || length > 0 && !(length == dots && dots <= 2)
    }

    /// Returns the path of `name` in this directory; `name` has no slash and is neither `.` nor `..`.
    public func appending(_ name: some Collection<UInt8>) -> ImagePath {
        precondition(!name.isEmpty && !name.contains(UInt8(ascii: "/")), "a name in a directory has no slash")
        return ImagePath(checked: bytes.isEmpty ? Array(name) : bytes + [UInt8(ascii: "/")] + name)
    }

    /// Returns this path below `directory`.
    public func moved(below directory: ImagePath) -> ImagePath {
        if bytes.isEmpty { return directory }
        if directory.bytes.isEmpty { return self }
        return ImagePath(checked: directory.bytes + [UInt8(ascii: "/")] + bytes)
    }

    public var isRoot: Bool { bytes.isEmpty }

    /// The last component; empty for the root.
    public var name: ArraySlice<UInt8> {
        bytes.lastIndex(of: UInt8(ascii: "/")).map { bytes[($0 + 1)...] } ?? bytes[...]
    }

    /// The parent directory; the root's is the root.
    public var parent: ImagePath {
        bytes.lastIndex(of: UInt8(ascii: "/")).map { ImagePath(checked: Array(bytes[..<$0])) } ?? .root
    }

    /// True if this is an entry of `directory`, without the allocation of ``parent``.
    public func isEntry(of directory: ImagePath) -> Bool {
        guard !isRoot else { return false }
        let slash = bytes.lastIndex(of: UInt8(ascii: "/")) ?? 0
        return slash == directory.bytes.count && bytes.starts(with: directory.bytes)
    }

    /// The names on the way from the root.
    public var components: [ArraySlice<UInt8>] { bytes.split(separator: UInt8(ascii: "/")) }

    /// True if this is `directory` or below it.
    public func isWithin(_ directory: ImagePath) -> Bool {
        directory.isRoot || self == directory
            || (bytes.count > directory.bytes.count && bytes[directory.bytes.count] == UInt8(ascii: "/")
                && bytes.starts(with: directory.bytes))
    }

    /// The path with a leading slash; invalid UTF-8 becomes U+FFFD.
    public var description: String { "/" + String(decoding: bytes, as: UTF8.self) }

    /// Compares by components, so that a directory's contents directly follow it.
    public static func < (left: ImagePath, right: ImagePath) -> Bool {
        for (one, other) in zip(left.bytes, right.bytes) where one != other {
            if one == UInt8(ascii: "/") { return true }
            if other == UInt8(ascii: "/") { return false }
            return one < other
        }
        return left.bytes.count < right.bytes.count
    }
}
