/// Numbers of the on-disk format, named as in Linux's fs/erofs/erofs_fs.h without the prefix.
enum EROFS {
    /// EROFS_SUPER_OFFSET: the first bytes are for a boot loader.
    static let superOffset = 1024
    /// The size of `struct erofs_super_block` in bytes.
    static let superBlockByteCount = 128
    static let superMagicV1: UInt32 = 0xE0F5_E1E2
    static let blockSizeBits: UInt8 = 12

    // Of `feature_compat`.
    static let featureCompatSBChksum: UInt32 = 0x1
    static let featureCompatMtime: UInt32 = 0x2

    /// The size of `struct erofs_inode_extended` in bytes.
    static let inodeExtendedByteCount = 64
    /// EROFS_ISLOTBITS: inodes are at multiples of this power of two.
    static let iSlotBits = 5

    // Of `i_format`: the layout of the inode in bit 0, and of its data from bit EROFS_I_DATALAYOUT_BIT on.
    static let inodeLayoutExtended: UInt16 = 1
    static let inodeFlatPlain: UInt16 = 0 << 1
    static let inodeFlatInline: UInt16 = 2 << 1

    /// The size of `struct erofs_xattr_ibody_header` in bytes.
    static let xattrHeaderByteCount = 12
    /// The size of `struct erofs_xattr_entry` in bytes, and the alignment of entries.
    static let xattrEntryByteCount = 4

    /// EROFS_XATTR_INDEX_*: numbers for the first part of a name, or for a whole name.
    enum XattrIndex {
        static let user: UInt8 = 1
        static let posixACLAccess: UInt8 = 2
        static let posixACLDefault: UInt8 = 3
        static let trusted: UInt8 = 4
        static let security: UInt8 = 6
    }

    /// The size of `struct erofs_dirent` in bytes.
    static let direntByteCount = 12

    /// FT_*: types in directory entries (Linux, include/linux/fs_types.h).
    enum DirentType {
        static let regFile: UInt8 = 1
        static let dir: UInt8 = 2
        static let chrdev: UInt8 = 3
        static let blkdev: UInt8 = 4
        static let fifo: UInt8 = 5
        static let symlink: UInt8 = 7
    }
}

extension Array<UInt8> {
    /// Appends zeros until the count is a multiple of `alignment`.
    mutating func pad(to alignment: Int) {
        append(contentsOf: repeatElement(0, count: (alignment - count % alignment) % alignment))
    }
}
