public import OCI

/// The bytes that each file takes in the compressed blob of its layer, with its header in the tar.
public struct PackedSizes: Sendable {
    /// The sizes by layer and number of the entry.
    private let sizes: [[Float]]

    init(_ sizes: [[Float]]) { self.sizes = sizes }

    /// Returns the compressed bytes of a file; nil for a directory that no layer mentions.
    public func bytes(of inode: FileTree.Inode) -> Double? {
        guard sizes.indices.contains(inode.layer), sizes[inode.layer].indices.contains(inode.ordinal) else {
            return nil
        }
        return Double(sizes[inode.layer][inode.ordinal])
    }
}
