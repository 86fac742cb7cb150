internal import Linux

/// Extended attributes as they follow an inode, all of them inline.
///
/// ```
/// filter(4)  shared count  0[7]                       12 bytes, only if there is any attribute
/// name length  prefix  value size(2)  name  value     for each, padded to 4
/// ```
/// A prefix stands for the first part of the name. Attributes whose prefix the kernel doesn't know could not be read
/// back, whatever the file system; they are left out, and ``omitted`` names them.
struct Attributes {
    private static let headerSize = EROFS.xattrHeaderByteCount
    private static let unit = EROFS.xattrEntryByteCount
    private static let prefixes: [(text: String, code: UInt8, isWhole: Bool)] = [
        ("user.", EROFS.XattrIndex.user, false),
        ("system.posix_acl_access", EROFS.XattrIndex.posixACLAccess, true),
        ("system.posix_acl_default", EROFS.XattrIndex.posixACLDefault, true),
        ("trusted.", EROFS.XattrIndex.trusted, false), ("security.", EROFS.XattrIndex.security, false),
    ]
    /// XATTR_NAME_MAX of linux/limits.h.
    private static let maximumName = 255
    /// The format counts a value's bytes in 16 bits; XATTR_SIZE_MAX is one more.
    private static let maximumValue = Int(UInt16.max)
    /// The largest size in bytes that the inode's 16-bit count can express.
    static let maximumSize = headerSize + (Int(UInt16.max) - 1) * unit

    /// The bytes after the inode; empty without attributes.
    let bytes: [UInt8]
    /// The names of attributes that no kernel could read back.
    let omitted: [String]

    init(_ attributes: [String: [UInt8]]) {
        var bytes: [UInt8] = []
        var omitted: [String] = []
        for (name, value) in attributes.sorted(by: { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }) {
            guard let (code, rest) = Self.split(name), value.count <= Self.maximumValue else {
                omitted.append(name)
                continue
            }
            if bytes.isEmpty { bytes = [UInt8](repeating: 0, count: Self.headerSize) }
            bytes += [UInt8(rest.count), code]
            bytes.append(little: UInt16(value.count))
            bytes += rest
            bytes += value
            bytes.pad(to: Self.unit)
        }
        self.bytes = bytes
        self.omitted = omitted
    }

    /// The inode's count: one for the header, and one for every four bytes after it.
    var units: UInt16 {
        bytes.isEmpty ? 0 : UInt16((bytes.count - Self.headerSize) / Self.unit + 1)
    }

    private static func split(_ name: String) -> (code: UInt8, rest: [UInt8])? {
        guard name.utf8.count <= maximumName, !name.utf8.contains(0) else { return nil }
        for prefix in prefixes where name.utf8.starts(with: prefix.text.utf8) {
            let rest = Array(name.utf8.dropFirst(prefix.text.utf8.count))
            return rest.isEmpty == prefix.isWhole ? (prefix.code, rest) : nil
        }
        return nil
    }
}
