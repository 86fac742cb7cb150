internal import Glibc
internal import Linux
internal import SystemPackage

/// The result of a build step.
public struct CachedStep: Sendable, Hashable {
    /// The step's layer.
    public let layer: Layer
    /// The time of the newest input, in seconds since 1970.
    public let epoch: Int64

    public init(layer: Layer, epoch: Int64) {
        self.layer = layer
        self.epoch = epoch
    }
}

// One small JSON file for each step, by the digest of all its inputs, written whole or not at all. Collection keeps its
// layer's blob as long as the file exists.

extension Store {
    /// Returns the result of the step of a key, if it is stored and its blob is complete.
    public func cachedStep(for key: Digest) throws -> CachedStep? {
        let path = Self.cachePath(of: key)
        guard try root.exists(path), let step = try? readStep(at: path), try has(step.layer.descriptor) else {
            return nil
        }
        // Data that was used last is removed last when room is needed.
        do {
            try root.setModified(of: Self.cachePath(of: key), FileTime(seconds: Int64(time(nil))))
        } catch  where error.refusesWriting {
            // A store that can only be read is collected by its owner.
        }
        return step
    }

    /// Stores the result of the step of a key.
    public func cache(_ step: CachedStep, for key: Digest) throws {
        let json = JSON.object([
            "layer": step.layer.descriptor.json, "diffID": .string(step.layer.diffID.description),
            "epoch": .integer(step.epoch),
        ])
        // After a crash it may be empty, which counts as removed.
        try root.replace(Self.cachePath(of: key), with: json.bytes, isSynced: false)
    }

    /// Returns all stored steps, with their files and the time of their last use, in seconds since 1970.
    func cachedSteps() throws -> [(path: FilePath, step: CachedStep, used: Int64)] {
        guard try root.exists("thaw/cache") else { return [] }
        return try root.directory("thaw/cache").entries().compactMap { entry in
            let path = FilePath("thaw/cache").appending(FilePath(bytes: entry.name).components)
            // The directory has other files too, and a step that cannot be read counts as removed.
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

    /// Records that results exist under keys that start with the inputs of `start`.
    public func mark(_ start: Digest) throws {
        if try !hasMark(start) { try root.replace(Self.markPath(of: start), with: [], isSynced: false) }
    }

    /// True if ``mark(_:)`` was called for these inputs.
    public func hasMark(_ start: Digest) throws -> Bool { try root.exists(Self.markPath(of: start)) }

    private static func markPath(of start: Digest) -> FilePath { FilePath("thaw/cache/mark-\(start.hex)") }

    private static func cachePath(of key: Digest) -> FilePath { FilePath("thaw/cache/\(key.hex)") }
}
