internal import Glibc
internal import Linux
internal import SystemPackage

/// The facts of layers' files, so that an image that was analysed before, or that shares its base, is not read again.
///
/// A file `thaw/layer-facts/DIFFID.KEY` depends on the layer, its compressed form, and the rules by which it was read, which are
/// in the key. A collection removes the facts of layers that no image and no step has. It is a cache: a damaged file is
/// made again.
extension Store {
    static let facts: FilePath = "thaw/layer-facts"

    private static let maximumFacts = 512 << 20
    /// The hex digits of the digest at the end, which shows damage.
    private static let digestSize = 64

    /// Returns the facts that were kept for a layer under `key`, a text of the rules; nil if there are none.
    public func facts(of layer: Layer, key: String) -> [UInt8]? {
        let path = Self.factsPath(of: layer, key: key)
        guard let file = try? root.open(path) else { return nil }
        do {
            let source = try decompressing(FileSource(file), .zstd, name: "facts of \(layer.diffID)")
            var bytes: [UInt8] = []
            while true {
                let chunk = try source.next()
                if chunk.isEmpty { break }
                bytes += chunk
            }
            let facts = Array(bytes.dropLast(Self.digestSize))
            guard Digest(of: facts).hex.utf8.elementsEqual(bytes.suffix(Self.digestSize)) else { return nil }
            // Another user's store can't be marked.
            _ = try? root.setModified(of: path, FileTime(seconds: Int64(Glibc.time(nil))))
            return facts
        } catch {
            return nil
        }
    }

    /// Keeps the facts of a layer; a store that can only be read works without them.
    public func keep(facts bytes: [UInt8], of layer: Layer, key: String) throws {
        let packed = MemorySink()
        let compressor = compressing(to: packed, .zstd)
        try compressor.write(bytes)
        try compressor.write(Array(Digest(of: bytes).hex.utf8))
        try compressor.finish()
        guard packed.bytes.count <= Self.maximumFacts else { return }
        do {
            try root.makeDirectories(Self.facts, mode: 0o700)
            try root.replace(Self.factsPath(of: layer, key: key), with: packed.bytes)
        } catch let error as SystemError where error.refusesWriting {
            return
        }
    }

    private static func factsPath(of layer: Layer, key: String) -> FilePath {
        let name = Digest(of: Array("\(layer.descriptor.digest)\n\(key)".utf8)).hex.prefix(16)
        return facts.appending("\(layer.diffID.hex).\(name)")
    }

    /// Returns the layer in the name of a file of facts; nil for an unfinished one.
    static func layer(ofFacts name: String) -> Digest? {
        name.split(separator: ".").first.flatMap { Digest(hexBytes: Array($0.utf8)) }
    }
}
