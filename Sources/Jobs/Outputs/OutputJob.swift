internal import Build
internal import Linux
public import OCI
internal import Project
internal import SystemPackage

/// The outputs of a build as they were written.
public struct OutputSettings: Sendable {
    /// The layers that are merged.
    public enum Squash: String, Sendable, CaseIterable {
        /// Those above the base image.
        case own
        /// All layers.
        case all
    }

    /// The values of `-o`.
    public var outputs: [String] = []
    /// True to store the image besides other outputs.
    public var loads = false
    /// True to push the image.
    public var pushes = false
    /// The values of `--annotation`.
    public var annotations: [String] = []
    /// The layers to merge; nil for none.
    public var squash: Squash?
    /// The values of `-t`.
    public var names: [String] = []
    /// The file that gets the image ID.
    public var idFile: String?
    /// The file that gets the metadata.
    public var metadataFile: String?

    /// Makes settings without any option.
    public init() {}

    /// Parses the annotations.
    func parsedAnnotations() throws -> Annotations {
        var all = Annotations()
        for text in annotations {
            do { try all.add(parsing: text) } catch { throw Failure("--annotation: \(error)", status: .usage) }
        }
        return all
    }

    /// Returns the images with their layers merged.
    func squashed(
        _ results: [BuildResult], into store: Store, compression: Compression
    ) throws -> [Outputs.BuiltImage] {
        try results.map { result in
            let count = squash == .all ? 0 : result.baseLayerCount
            let image =
                squash == nil
                ? result.image : try result.image.squashed(above: count, into: store, compression: compression)
            return Outputs.BuiltImage(image: image, baseLayerCount: count)
        }
    }
}

/// The job of `thaw build`: a build and its outputs.
public struct OutputJob: Sendable {
    private let build: BuildJob
    private let settings: OutputSettings
    private let attestations: AttestationRequest
    private let list: [Output]
    private let caches: [CacheLocation]
    private let names: [Reference]
    private let annotations: Annotations

    private var store: Store { build.store }
    private var host: any JobHost { build.host }

    /// Parses the outputs, and expects that they can be written, before the build takes minutes.
    public init(_ build: BuildJob, to settings: OutputSettings, attestations: AttestationRequest) throws {
        (self.build, self.settings, self.attestations) = (build, settings, attestations)
        list = try Output.all(settings.outputs, load: settings.loads, push: settings.pushes)
        caches = try build.settings.cacheExports()
        annotations = try settings.parsedAnnotations()
        names = try settings.names.map(reference)
        try Output.check(
            list, annotations, names: names, platforms: build.settings.platforms(),
            isAttested: !attestations.isEmpty, host: build.host)
        for output in list { try output.expectWritable() }
        for cache in caches { try cache.expectWritable() }
        for (file, option) in [(settings.idFile, "--iidfile"), (settings.metadataFile, "--metadata-file")] {
            if let file { try FileDestination.expectWritable(FilePath(file), for: option) }
        }
    }

    /// True if stdout has an output, so that it can't have the image ID.
    public var fillsStandardOutput: Bool { list.contains { $0.destination == "-" } }

    /// Builds a context and writes all outputs; returns the image ID.
    ///
    /// - Parameter isVerified: True to build twice and compare the images.
    public func run(_ context: String, isVerified: Bool) async throws -> Digest {
        if isVerified, context == "-" || build.settings.file == "-" {
            throw Failure("--verify reads everything twice, but standard input can be read only once", status: .usage)
        }
        // The lease keeps a garbage collection from removing the image before it has a name.
        let lease = try store.lease()
        let compression = Output.compression(of: list)
        let isInline = caches.contains(where: \.isInline) || build.settings.requestsInlineCache()
        let results =
            isVerified
            ? [try await build.verified(context, compression: compression)]
            : try await build.builds(
                context, compression: compression, isDeferred: try defersCompression(isInline: isInline))
        for cache in caches { for result in results { try await cache.write(result, in: store, host) } }
        let images = try settings.squashed(
            results.map { isInline ? $0.withInlineCache() : $0 }, into: store,
            compression: build.settings.compression ?? compression ?? .gzip)
        let attester = try await Attester(
            attestations, of: results, parameters: build.settings.parameters(), version: host.version)
        let sender = Outputs(
            store: store, images: images, annotations: annotations, names: names, epoch: results.first?.epoch,
            attester: attester, host: host)
        var set: ImageSet?
        for output in list {
            let written = try await sender.write(output)
            set = set ?? written
        }
        let shown = if let set { set } else { try await sender.set(Output(.image)) }
        try lease.release()
        try report(shown, of: results, more: attester?.metadata ?? [:])
        return try shown.id()
    }

    /// True if layers may stay plain in the store.
    ///
    /// Exported caches list compressed layers. Attestations, `--metadata-file` and the ID of an index name the manifest
    /// that is exported.
    private func defersCompression(isInline: Bool) throws -> Bool {
        let isOnePlatform = try build.settings.platforms().count == 1
        return Output.defersCompression(of: list) && caches.isEmpty && !isInline && isOnePlatform
            && settings.squash == nil && attestations.isEmpty && settings.metadataFile == nil
    }

    /// Writes the files of `--iidfile` and `--metadata-file`.
    private func report(_ set: ImageSet, of results: [BuildResult], more: [String: JSON]) throws {
        let id = try set.id()
        if let idFile = settings.idFile { try replaceFile(idFile, with: Array("\(id)".utf8)) }
        guard let metadataFile = settings.metadataFile else { return }
        let metadata = JSON.buildMetadata(
            of: set, config: results.count == 1 ? id : nil, results.flatMap(\.steps),
            names: list.flatMap(\.names) + names, more: more)
        try replaceFile(metadataFile, with: Array(metadata.text.utf8))
    }
}
