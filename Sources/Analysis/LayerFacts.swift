internal import ImageFiles
internal import Linux
public import OCI

/// The properties and sizes of one layer.
public struct LayerFacts: Sendable, Equatable {
    /// The layer's position; 0 is the lowest.
    public let index: Int
    /// The digest of its blob.
    public let digest: Digest
    /// The digest of its tar.
    public let diffID: Digest
    /// The bytes of its regular files.
    public let size: Int64
    /// The bytes of its blob.
    public let compressedSize: Int64
    /// The command that made it, from the image's history; empty if the history has none.
    public let createdBy: String
    /// The number of paths that it adds, modifies and removes.
    public let files: FileTree.LayerChanges
    /// The bytes in it that no container sees.
    public let wastedBytes: Int64

    /// The line of the Dockerfile that made it, such as `Dockerfile:12`; nil if it is not known.
    public internal(set) var source: String?

    /// The command in one line, as in a Dockerfile.
    public var command: String { shortCommand(createdBy) }

    static func all(of image: Image, in tree: FileTree, _ waste: Waste) -> [LayerFacts] {
        let steps = ImageHistory.steps(of: image)
        var sizes = [Int64](repeating: 0, count: image.layers.count)
        for inode in tree.inodes where sizes.indices.contains(inode.layer) { sizes[inode.layer] &+= inode.kind.size }
        var wasted = [Int64](repeating: 0, count: image.layers.count)
        for copy in waste.items.flatMap(\.copies) { wasted[copy.layer] &+= copy.bytes }
        return image.layers.indices.map { index in
            let layer = image.layers[index]
            return LayerFacts(
                index: index, digest: layer.descriptor.digest, diffID: layer.diffID, size: sizes[index],
                compressedSize: layer.descriptor.size,
                createdBy: steps.first { $0.layer == index }?.history?.createdBy ?? "",
                files: tree.changes[index],
                wastedBytes: wasted[index])
        }
    }
}

/// Returns a history line's command in one line, as in a Dockerfile, without a builder's additions.
func shortCommand(_ createdBy: String) -> String {
    var words = createdBy.visibleLine.split(separator: " ")[...]
    if words.count >= 2, words.suffix(2).elementsEqual(["#", "buildkit"]) { words = words.dropLast(2) }
    let isRun = words.first == "RUN"
    if isRun { words = words.dropFirst() }
    if let first = words.first, first.hasPrefix("|"), let count = Int(first.dropFirst()), count >= 0 {
        words = words.dropFirst().dropFirst(count)
    }
    let shell = words.starts(with: ["/bin/sh", "-c"])
    if shell { words = words.dropFirst(2) }
    if shell, words.first == "#(nop)" { return words.dropFirst().joined(separator: " ") }
    return ((isRun || shell ? ["RUN"] : []) + words).joined(separator: " ")
}
