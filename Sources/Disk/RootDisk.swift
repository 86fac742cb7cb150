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
    /// Where it is.
    public let path: FilePath
    /// Its size, a multiple of 4096.
    public let byteCount: Int64
    /// How many files, directories, links and devices it holds; hard links count once.
    public let inodeCount: Int
    /// Extended attributes that are not on it, because Linux knows no such kind: none could be read back.
    public let omittedAttributes: [(path: ImagePath, attribute: String)]

    /// How many layers are read at once.
    private static let width = 2

    /// Writes the disk of `image`, whose tree is `tree`, to `path`, replacing what is there.
    ///
    /// Every layer that has any of the files is read to its end and verified. When this throws, `path` is as it was.
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
