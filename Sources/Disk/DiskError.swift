public import OCI

/// Why a tree or an image gives no disk.
public enum DiskError: Error, Sendable, Equatable, CustomStringConvertible {
    /// A file that no Linux file system could hold as it is described.
    case unrepresentable(ImagePath, reason: String)
    /// More content than the format can address.
    case tooLarge(limit: Int64)
    /// A layer that doesn't hold a file as the tree has it: the tree is of another image.
    case contentDiffers(ImagePath, layer: Int)

    public var description: String {
        switch self {
        case .unrepresentable(let path, let reason): "cannot put '\(path)' on a disk: it \(reason)"
        case .tooLarge(let limit): "cannot write the disk: the image's files need more than \(limit) bytes"
        case .contentDiffers(let path, let layer):
            "cannot write the disk: layer \(layer) does not hold '\(path)' as its headers were read"
        }
    }
}
