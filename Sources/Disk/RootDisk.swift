internal import Linux
public import OCI
public import SystemPackage

/// An image's files as one EROFS file system, which a virtual machine mounts as its root.
///
/// ```
/// tree -> DiskLayout -> super block, inodes, directories -+
/// layers, each streamed once -> contents -------------+-> pwrite -> rename
/// ```
/// Nothing is unpacked and no privilege is needed. Owners, modes, modification times to the nanosecond, hard links,
/// devices and extended attributes are the image's own. The same image gives the same bytes.
public struct RootDisk: Sendable {
    /// The disk's path.
    public let path: FilePath
    /// The size in bytes, a multiple of 4096.
    public let byteCount: Int64
    /// The number of files, directories, links and devices; hard links count once.
    public let inodeCount: Int
    /// Extended attributes that are not on the disk, because Linux has no such kind and could not read them back.
    public let omittedAttributes: [(path: ImagePath, attribute: String)]

    /// The version of the format: a change of the bytes that an image gives needs another one.
    public static let version = 1

    /// The number of layers that are read at once.
    private static let width = 2

    /// Writes the disk of `image`, whose tree is `tree`, to `path`, and replaces a file there.
    ///
    /// Every layer that has any of the files is read to its end and verified. After an error `path` is as before.
    /// - Throws: ``DiskError``, `OCIError` for a damaged layer, `SystemError`.
    public static func write(_ image: Image, tree: FileTree, to path: FilePath) async throws -> RootDisk {
        let layout = try DiskLayout(tree)
        let file = try PendingFile(for: path)
        let writer = DiskWriter(image: image, tree: tree, layout: layout, file: file)
        do {
            try await Offload.run { try writer.writeMetadata() }
            _ = try await Offload.map(writer.layers, width: width) { try writer.copyContents(ofLayer: $0) }
            try await Offload.run { try file.commit() }
        } catch {
            file.discard()
            throw error
        }
        return RootDisk(
            path: path, byteCount: layout.byteCount, inodeCount: layout.inodeCount,
            omittedAttributes: layout.omitted)
    }
}
