// Mounts of a container besides its root.

public import SystemPackage

/// Something mounted into a container.
///
/// The target is resolved inside the container's root, even if the image holds symbolic links. Missing mount points are
/// made for the run and don't stay in the layer.
public struct Attachment: Sendable, Hashable {
    /// The origin of the content.
    public enum Source: Sendable, Hashable {
        /// A file or directory of the host; links are followed as the host sees them.
        case host(FilePath)
        /// A file or directory inside a directory of the host; links are resolved within that directory.
        case below(FilePath, path: FilePath)
        /// A file or directory inside a stack of layers, topmost first; always read-only.
        case layers([FilePath], path: FilePath)
        /// A file or directory inside a stack that is mounted for this container alone.
        ///
        /// Writes go to the stack's upper directory. Attachments of the same stack share one mount.
        case overlay(Overlay, path: FilePath)
        /// An empty tmpfs, limited to `size` bytes if a size is given.
        case memory(size: Int?, mode: UInt32 = 0o1777)
        /// A file of these bytes in memory: they never reach a disk, and end with the container.
        case content([UInt8], mode: UInt32, uid: UInt32, gid: UInt32)
    }

    /// The origin of the content.
    public var source: Source
    /// The absolute path in the container.
    public var target: FilePath
    /// True if the container can't write to it.
    public var isReadOnly: Bool

    /// A mount of `source` on `target`.
    public init(_ source: Source, at target: FilePath, isReadOnly: Bool = false) {
        self.source = source
        self.target = target
        self.isReadOnly = isReadOnly
    }
}
