// What is mounted into a container besides its root.

public import SystemPackage

/// Something mounted into a container.
///
/// The target is resolved inside the container's root, whatever links its image holds. Missing mount points are made,
/// and do not stay in the layer.
public struct Attachment: Sendable, Hashable {
    /// Where its content comes from.
    public enum Source: Sendable, Hashable {
        /// A file or directory of the host; links are followed as the host sees them.
        case host(FilePath)
        /// A file or directory inside a directory of the host; links are resolved within that directory.
        case below(FilePath, path: FilePath)
        /// A file or directory inside a stack of layers, topmost first; always read-only.
        case layers([FilePath], path: FilePath)
        /// A file or directory inside a stack that is mounted for this container alone.
        ///
        /// What is written goes to the stack's upper directory. Attachments of the same stack share one mount.
        case overlay(Overlay, path: FilePath)
        /// Memory, empty at first; at most so many bytes, where a number is given.
        case memory(size: Int?, mode: UInt32 = 0o1777)
        /// A file of these bytes, kept in memory: they are never on a disk, and go with the container.
        case content([UInt8], mode: UInt32, uid: UInt32, gid: UInt32)
    }

    /// Where its content comes from.
    public var source: Source
    /// Its absolute place in the container.
    public var target: FilePath
    /// Whether it cannot be written.
    public var isReadOnly: Bool

    /// A mount of `source` on `target`.
    public init(_ source: Source, at target: FilePath, isReadOnly: Bool = false) {
        self.source = source
        self.target = target
        self.isReadOnly = isReadOnly
    }
}
