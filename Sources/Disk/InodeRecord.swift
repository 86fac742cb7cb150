internal import Linux
internal import OCI

/// An inode as it is on disk, in the extended form: with nanoseconds, and owners of 32 bits.
///
/// ```
///  0  format  attribute units  mode  -  size(8)  first block or device  number  uid  gid
/// 32  seconds(8)  nanoseconds  links  0[16]
/// 64  extended attributes, then the inline tail if the format has one
/// ```
struct InodeRecord {
    static let size = 64
    /// Inodes are at multiples of this offset in bytes; the inode's number (nid) is the multiple.
    static let slot = 32
    private static let extended: UInt16 = 1
    private static let flatPlain: UInt16 = 0 << 1
    private static let flatInline: UInt16 = 2 << 1

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
        var record: [UInt8] = []
        record.reserveCapacity(SuperBlock.blockSize)
        record.append(little: Self.extended | (isInline ? Self.flatInline : Self.flatPlain))
        record.append(little: attributes.units)
        record.append(little: kind.typeBits | metadata.mode)
        record.append(little: UInt16(0))
        record.append(little: byteCount)
        record.append(little: kind.device ?? block)
        record.append(little: number)
        record.append(little: metadata.uid)
        record.append(little: metadata.gid)
        record.append(little: metadata.mtime.seconds)
        record.append(little: UInt32(truncatingIfNeeded: metadata.mtime.nanoseconds))
        record.append(little: linkCount)
        record.append(contentsOf: repeatElement(0, count: 16))
        return record + attributes.bytes
    }
}

extension FileKind {
    /// The type's bits in a mode (inode(7)).
    var typeBits: UInt16 {
        switch self {
        case .fifo: 0o010000
        case .characterDevice: 0o020000
        case .directory: 0o040000
        case .blockDevice: 0o060000
        case .file: 0o100000
        case .symlink: 0o120000
        }
    }

    /// The type in a directory's entry.
    var entryType: UInt8 {
        switch self {
        case .file: 1
        case .directory: 2
        case .characterDevice: 3
        case .blockDevice: 4
        case .fifo: 5
        case .symlink: 7
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
