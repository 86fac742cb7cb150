internal import Linux
internal import OCI

/// An inode as it is on disk, in the extended form: with nanoseconds, and owners of 32 bits (erofs_inode_extended).
///
/// ```
///  0  format  attribute units  mode  -  size(8)  first block or device  number  uid  gid
/// 32  seconds(8)  nanoseconds  links  0[16]
/// 64  extended attributes, then the inline tail if the format has one
/// ```
struct InodeRecord {
    static let size = EROFS.inodeExtendedByteCount
    /// Inodes are at multiples of this offset in bytes; the inode's number (nid) is the multiple.
    static let slot = 1 << EROFS.iSlotBits
    private static let reservedByteCount = 16

    let kind: FileKind
    let metadata: FileMetadata
    let byteCount: Int64
    let isInline: Bool
    /// The first full block of the content; unused without full blocks and for a device.
    let block: UInt32
    let number: UInt32
    let linkCount: UInt32

    /// The record and its attributes, without the tail.
    var bytes: [UInt8] {
        let attributes = Attributes(metadata.xattrs)
        let reserved: UInt16 = 0
        var record: [UInt8] = []
        record.reserveCapacity(SuperBlock.blockSize)
        record.append(little: EROFS.inodeLayoutExtended | (isInline ? EROFS.inodeFlatInline : EROFS.inodeFlatPlain))
        record.append(little: attributes.units)
        record.append(little: kind.typeBits | metadata.mode)
        record.append(little: reserved)
        record.append(little: byteCount)
        record.append(little: kind.device ?? block)
        record.append(little: number)
        record.append(little: metadata.uid)
        record.append(little: metadata.gid)
        record.append(little: metadata.mtime.seconds)
        record.append(little: UInt32(truncatingIfNeeded: metadata.mtime.nanoseconds))
        record.append(little: linkCount)
        record.append(contentsOf: repeatElement(0, count: Self.reservedByteCount))
        return record + attributes.bytes
    }
}

extension FileKind {
    /// The type's bits in a mode (inode(7)).
    var typeBits: UInt16 {
        switch self {
        case .fifo: UInt16(FileType.fifo.bits)
        case .characterDevice: UInt16(FileType.characterDevice.bits)
        case .directory: UInt16(FileType.directory.bits)
        case .blockDevice: UInt16(FileType.blockDevice.bits)
        case .file: UInt16(FileType.regular.bits)
        case .symlink: UInt16(FileType.symbolicLink.bits)
        }
    }

    /// The type in a directory's entry.
    var entryType: UInt8 {
        switch self {
        case .file: EROFS.DirentType.regFile
        case .directory: EROFS.DirentType.dir
        case .characterDevice: EROFS.DirentType.chrdev
        case .blockDevice: EROFS.DirentType.blkdev
        case .fifo: EROFS.DirentType.fifo
        case .symlink: EROFS.DirentType.symlink
        }
    }

    /// A device's number as the kernel encodes it in 32 bits: minor's low 8, major's 12, minor's high 12.
    var device: UInt32? {
        switch self {
        case .characterDevice(let major, let minor), .blockDevice(let major, let minor):
            minor & 0xFF | major << 8 | (minor & ~0xFF) << 12
        default: nil
        }
    }
}
