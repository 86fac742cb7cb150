import Linux
import OCI
import Support

/// An entry of a test's layer and its content.
typealias Change = (LayerEntry, [UInt8])

/// Makes an opaque directory's mark.
func opaque(_ path: String) throws -> Change { (LayerEntry(try ImagePath(path), .clear), []) }

/// Makes a file with a modification time in seconds.
func file(_ path: String, _ content: [UInt8], mtime: Int64) throws -> Change {
    let metadata = FileMetadata(mode: 0o644, mtime: FileTime(seconds: mtime))
    return (LayerEntry(try ImagePath(path), .add(.file(size: Int64(content.count))), metadata), content)
}

/// Makes random bytes, different for each seed.
func noise(_ count: Int, seed: UInt64 = 1) -> [UInt8] {
    var state = seed &* 0x9E37_79B9_7F4A_7C15 | 1
    var bytes: [UInt8] = []
    bytes.reserveCapacity(count + 8)
    while bytes.count < count {
        state ^= state << 13
        state ^= state >> 7
        state ^= state << 17
        for shift in stride(from: 0, to: UInt64(64), by: 8) { bytes.append(UInt8(truncatingIfNeeded: state >> shift)) }
    }
    return Array(bytes.prefix(count))
}

extension Workspace {
    /// Makes an image of these layers, lowest first, with a history.
    func image(_ layers: [[Change]], history: [History]) throws -> Image {
        let image = try image(layers)
        return image.replacingLayers(image.layers, history: history)
    }
}
