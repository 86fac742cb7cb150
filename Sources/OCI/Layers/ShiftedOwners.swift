// The IDs in the attributes of shifted files: on disk each ID is larger by the map's shift (see IDMap).
//
//     attribute                  IDs in its value
//     ─────────                  ────────────────
//     security.capability        version 3: root of the namespace in which the capabilities are valid
//     system.posix_acl_*         the users and groups of entries
//
// Without a shift all values remain as they are.

internal import Linux

extension IDMap {
    /// Returns an attribute's value on disk.
    func stored(_ value: [UInt8], of attribute: String) -> [UInt8] {
        guard shift > 0 else { return value }
        if attribute == FileCapability.attribute, let capability = FileCapability(value) {
            return capability.bytes(root: stored(capability.root))
        }
        return AccessList.mapping(value, of: attribute) { stored($0) }
    }

    /// Returns an attribute's value in a layer.
    func restored(_ value: [UInt8], of attribute: String) -> [UInt8] {
        guard shift > 0 else { return value }
        if attribute == FileCapability.attribute, let capability = FileCapability(value) {
            return capability.bytes(root: restored(capability.root))
        }
        return AccessList.mapping(value, of: attribute) { restored($0) }
    }
}

/// The capabilities of a file, of version 2 or 3 (capabilities(7), struct vfs_ns_cap_data).
private struct FileCapability {
    static let attribute = "security.capability"
    /// Root of the user namespace in which they are valid; 0 for version 2.
    let root: UInt32
    /// The bits of the first word besides the version, and the sets.
    private let isEffective: Bool
    private let sets: ArraySlice<UInt8>

    /// Nil for another version or length.
    init?(_ value: [UInt8]) {
        let sizes = [20: 2, 24: 3] as [Int: UInt8]
        guard let version = sizes[value.count], value[3] == version else { return nil }
        isEffective = value[0] & 1 == 1
        sets = value[4..<20]
        root = version == 3 ? littleEndian(value[20..<24]) : 0
    }

    /// The value of version 2 for `root` 0, as the kernel returns it, and of version 3 for another one.
    func bytes(root: UInt32) -> [UInt8] {
        [isEffective ? 1 : 0, 0, 0, root == 0 ? 2 : 3] + sets + (root == 0 ? [] : littleEndianBytes(root))
    }
}

/// The value of an access control list (acl(5), struct posix_acl_xattr_entry).
private enum AccessList {
    private static let attributes = ["system.posix_acl_access", "system.posix_acl_default"]
    /// ACL_USER and ACL_GROUP: the tags of entries with an ID.
    private static let named: [UInt8] = [2, 8]

    /// Returns the value with changed IDs; other attributes and malformed lists remain as they are.
    ///
    /// It is a version of 4 bytes, then entries of 8: tag, permissions, ID.
    static func mapping(_ value: [UInt8], of attribute: String, _ change: (UInt32) -> UInt32) -> [UInt8] {
        guard attributes.contains(attribute), value.count >= 4, value.count % 8 == 4 else { return value }
        var result = value
        for start in stride(from: 4, to: value.count, by: 8) where named.contains(value[start]) {
            let range = start + 4..<start + 8
            result.replaceSubrange(range, with: littleEndianBytes(change(littleEndian(value[range]))))
        }
        return result
    }
}

private func littleEndian(_ bytes: ArraySlice<UInt8>) -> UInt32 {
    bytes.reversed().reduce(0) { $0 << 8 | UInt32($1) }
}

private func littleEndianBytes(_ number: UInt32) -> [UInt8] {
    (0..<4).map { UInt8(truncatingIfNeeded: number >> (8 * UInt32($0))) }
}
