internal import Linux
public import OCI

/// What one layer is and costs.
public struct LayerFacts: Sendable, Equatable {
    /// Its place, 0 for the lowest.
    public let index: Int
    /// Its blob.
    public let digest: Digest
    /// Its tar.
    public let diffID: Digest
    /// Bytes of the regular files in it.
    public let size: Int64
    /// Bytes of its blob.
    public let compressedSize: Int64
    /// The command that made it, as the image's history has it; empty where the history doesn't say.
    public let createdBy: String
    /// Paths that it adds, modifies and removes.
    public let files: FileTree.LayerChanges
    /// Bytes in it that no container sees.
    public let wastedBytes: Int64

    /// The command in one line, as a Dockerfile has it.
    public var command: String { shortCommand(createdBy) }

    /// What `bytes` of this layer's files cost in a pull, by their share of the layer: an estimate.
    public func compressedShare(of bytes: Int64) -> Int64 {
        guard size > 0 else { return 0 }
        return Int64((Double(compressedSize) * min(1, Double(bytes) / Double(size))).rounded())
    }

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

/// A history line's command as a person wrote it in a Dockerfile: in one line, without what builders put around it.
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
