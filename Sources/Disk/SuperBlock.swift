internal import Linux

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
    static let blockSize = 1 << Int(EROFS.blockSizeBits)
    private static let volumeName = "thaw"

    let root: UInt16
    let inodeCount: Int
    let blockCount: UInt32
    let uuid: [UInt8]

    var bytes: [UInt8] {
        let start = EROFS.superOffset
        var block = [UInt8](repeating: 0, count: start) + fields(checksum: 0)
        block.pad(to: Self.blockSize)
        let sum = crc32c(block[start...])
        block.replaceSubrange(start..<(start + EROFS.superBlockByteCount), with: fields(checksum: sum))
        return block
    }

    private func fields(checksum: UInt32) -> [UInt8] {
        precondition(uuid.count == 16, "a UUID has 16 bytes")
        // The build time would be the time of compact inodes; there are none.
        let (buildTime, buildTimeNsec): (UInt64, UInt32) = (0, 0)
        let (extslots, metaBlkaddr, xattrBlkaddr): (UInt8, UInt32, UInt32) = (0, 0, 0)
        var fields: [UInt8] = []
        fields.append(little: EROFS.superMagicV1)
        fields.append(little: checksum)
        fields.append(little: EROFS.featureCompatSBChksum | EROFS.featureCompatMtime)
        fields += [EROFS.blockSizeBits, extslots]
        fields.append(little: root)
        fields.append(little: UInt64(inodeCount))
        fields.append(little: buildTime)
        fields.append(little: buildTimeNsec)
        fields.append(little: blockCount)
        fields.append(little: metaBlkaddr)
        fields.append(little: xattrBlkaddr)
        fields += uuid
        fields += Array(Self.volumeName.utf8)
        fields.pad(to: EROFS.superBlockByteCount)
        return fields
    }
}

/// Returns Castagnoli's check sum as EROFS uses it: seeded with ones, not inverted at the end.
func crc32c(_ bytes: some Sequence<UInt8>) -> UInt32 {
    let reversedPolynomial: UInt32 = 0x82F6_3B78
    var sum = UInt32.max
    for byte in bytes {
        sum ^= UInt32(byte)
        for _ in 0..<8 { sum = sum >> 1 ^ (sum & 1 == 0 ? 0 : reversedPolynomial) }
    }
    return sum
}
