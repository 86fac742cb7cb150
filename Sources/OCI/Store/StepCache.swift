internal import Glibc
internal import Linux
internal import SystemPackage

/// What a build step gave.
public struct CachedStep: Sendable, Hashable {
    /// Its layer.
    public let layer: Layer
    /// The newest input that went into it, in seconds since 1970.
    public let epoch: Int64

    /// A step's result.
    public init(layer: Layer, epoch: Int64) {
        self.layer = layer
        self.epoch = epoch
    }
}

// One small JSON file a step, by the digest of everything it depended on, written whole or not at all; its layer's blob
// is kept from collection for as long as it stands.

extension Store {
    /// What the step of that key gave, if it is remembered and its blob is still whole.
    public func cachedStep(for key: Digest) throws -> CachedStep? {
        let path = Self.cachePath(of: key)
        guard try root.exists(path), let step = try? readStep(at: path), try has(step.layer.descriptor) else {
            return nil
        }
        // What was used last goes last when room is needed.
        try root.setModified(of: Self.cachePath(of: key), FileTime(seconds: Int64(time(nil))))
        return step
    }

    /// Remembers what the step of that key gave.
    public func cache(_ step: CachedStep, for key: Digest) throws {
        let json = JSON.object([
            "layer": step.layer.descriptor.json, "diffID": .string(step.layer.diffID.description),
            "epoch": .integer(step.epoch),
        ])
        try root.replace(Self.cachePath(of: key), with: json.bytes)
    }

    /// All remembered steps, with their files and when each was used last, in seconds since 1970.
    func cachedSteps() throws -> [(path: FilePath, step: CachedStep, used: Int64)] {
        guard try root.exists("thaw/cache") else { return [] }
        return try root.directory("thaw/cache").entries().compactMap { entry in
            let path = FilePath("thaw/cache").appending(FilePath(bytes: entry.name).components)
            // Other things are kept beside steps, and a step that cannot be read is as good as forgotten.
            guard let step = try? readStep(at: path) else { return nil }
            return (path, step, try root.status(of: path).modified.seconds)
        }
    }

    private func readStep(at path: FilePath) throws -> CachedStep {
        let what = "step cache \(path)"
        let json = try JSON(parsing: root.contents(of: path, limit: 1 << 20), what: what)
        guard let layer = json["layer"], let diffID = json["diffID"]?.string, let epoch = json["epoch"]?.integer else {
            throw OCIError.malformedDocument(what, reason: "it lacks layer, diffID or epoch")
        }
        return CachedStep(
            layer: Layer(descriptor: try Descriptor(layer, what: what), diffID: try Digest(diffID)), epoch: epoch)
    }

    private static func cachePath(of key: Digest) -> FilePath { FilePath("thaw/cache/\(key.hex)") }
}
