public import OCI

/// The reason that a disk cannot be written from a tree or an image.
public enum DiskError: Error, Sendable, Equatable, CustomStringConvertible {
    /// A file that no Linux file system can hold as described.
    case unrepresentable(ImagePath, reason: String)
    /// More content than the format can address.
    case tooLarge(limit: Int64)
    /// A layer that doesn't hold a file as the tree describes it: the tree belongs to another image.
    case contentDiffers(ImagePath, layer: Int)

    public var description: String {
        switch self {
        case .unrepresentable(let path, let reason): "cannot put '\(path)' on a disk: it \(reason)"
        case .tooLarge(let limit): "cannot write the disk: the image's files need more than \(limit) bytes"
        case .contentDiffers(let path, let layer):
            "cannot write the disk: layer \(layer) does not hold '\(path)' as in the file tree"
        }
    }
}
