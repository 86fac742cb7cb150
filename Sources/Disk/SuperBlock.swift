/// Block 0: 1024 bytes for a boot loader, then the super block (erofs_fs.h, struct erofs_super_block).
///
/// ```
/// 1024  magic  crc32c  compatible features  block bits  -  root nid   inodes   build time   its nanoseconds
/// 1064  blocks  metadata block  shared attributes' block  UUID[16]  volume name[16]  incompatible features  0...
/// ```
/// Metadata is addressed from block 0, so an inode's number (nid) is its byte offset in the image over 32. The disk
/// uses no feature that a kernel since 5.15 might lack. Compatible features state that times are modification times and
/// that there is a check sum.
struct SuperBlock {
    /// The block size in bytes, the only one that every kernel supports.
    static let blockSize = 4096
    private static let offset = 1024
    private static let size = 128
    private static let magic: UInt32 = 0xE0F5_E1E2
    private static let sbChecksumFeature: UInt32 = 1
    private static let mtimeFeature: UInt32 = 2

    let root: UInt16
    let inodeCount: Int
    let blockCount: UInt32
    let uuid: [UInt8]

    var bytes: [UInt8] {
        var block = [UInt8](repeating: 0, count: Self.offset) + fields(checksum: 0)
        block.pad(to: Self.blockSize)
        let sum = crc32c(block[Self.offset...])
        block.replaceSubrange(Self.offset..<(Self.offset + Self.size), with: fields(checksum: sum))
        return block
    }

    private func fields(checksum: UInt32) -> [UInt8] {
        precondition(uuid.count == 16, "a UUID has 16 bytes")
        var fields: [UInt8] = []
        fields.append(little: Self.magic)
        fields.append(little: checksum)
        fields.append(little: Self.sbChecksumFeature | Self.mtimeFeature)
        fields += [12, 0]
        fields.append(little: root)
        fields.append(little: UInt64(inodeCount))
        // The build time would be the time of compact inodes; there are none.
        fields += [UInt8](repeating: 0, count: 12)
        fields.append(little: blockCount)
        fields += [UInt8](repeating: 0, count: 8)
        fields += uuid
        fields += Array("thaw".utf8)
        fields.pad(to: Self.size)
        return fields
    }
}

/// Returns Castagnoli's check sum as EROFS uses it: seeded with ones, not inverted at the end.
func crc32c(_ bytes: some Sequence<UInt8>) -> UInt32 {
    var sum = UInt32.max
    for byte in bytes {
        sum ^= UInt32(byte)
        for _ in 0..<8 { sum = sum >> 1 ^ (sum & 1 == 0 ? 0 : 0x82F6_3B78) }
    }
    return sum
}
