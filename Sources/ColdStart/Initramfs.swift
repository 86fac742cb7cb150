internal import Linux

/// An initramfs as a `newc` cpio archive (Linux, Documentation/driver-api/early-userspace/buffer-format.rst).
///
/// ```
/// "070701" ino mode uid gid nlink mtime filesize devmajor devminor rdevmajor rdevminor namesize check   13 x %08X
/// name NUL, padded to 4 · data, padded to 4                          ... "TRAILER!!!" ends it
/// ```
/// The same entries give the same bytes: times are 0 and inode numbers count up.
struct Initramfs {
    private static let magic = "070701"
    private static let trailer = "TRAILER!!!"

    private(set) var bytes: [UInt8] = []
    /// The number of entries.
    private(set) var count: UInt32 = 0

    /// An empty archive.
    init() {}

    /// An archive that begins with these bytes, of as many entries.
    init(continuing bytes: [UInt8], count: UInt32) { (self.bytes, self.count) = (bytes, count) }

    mutating func addDirectory(_ path: String) { add(path, mode: FileType.directory.bits | 0o755) }

    mutating func addCharacterDevice(_ path: String, major: UInt32, minor: UInt32) {
        add(path, mode: FileType.characterDevice.bits | 0o600, device: (major, minor))
    }

    /// - Precondition: `contents` is shorter than 4 GiB, the limit of the format.
    mutating func addFile(_ path: String, _ contents: [UInt8], mode: UInt32 = 0o644) {
        add(path, mode: FileType.regular.bits | mode, contents)
    }

    /// Returns the whole archive, with its end marker.
    consuming func finished() -> [UInt8] {
        add(Self.trailer, mode: 0)
        return bytes
    }

    private mutating func add(
        _ path: String, mode: UInt32, _ contents: [UInt8] = [], device: (UInt32, UInt32) = (0, 0)
    ) {
        count += 1
        let name = Array(path.utf8) + [0]
        let size = UInt32(contents.count)
        bytes += Array(Self.magic.utf8)
        for field in [count, mode, 0, 0, 1, 0, size, 0, 0, device.0, device.1, UInt32(name.count), 0] {
            bytes += Initramfs.hexadecimal(field)
        }
        bytes += name
        pad()
        bytes += contents
        pad()
    }

    private mutating func pad() {
        while !bytes.count.isMultiple(of: 4) { bytes.append(0) }
    }

    private static func hexadecimal(_ field: UInt32) -> [UInt8] {
        let digits = Array("0123456789ABCDEF".utf8)
        return (0..<8).map { digits[Int(field >> (28 - 4 * UInt32($0)) & 0xF)] }
    }
}
