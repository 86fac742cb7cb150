internal import Frontend
internal import HTTP
internal import Linux
internal import OCI
internal import Synchronization
internal import SystemPackage

/// The resolved source of files for COPY, ADD, mounts and FROM.
///
/// A checkout, an archive and a download are images of one layer, so all code that reads images can read them.
enum Origin: Sendable {
    /// A directory of this machine.
    case directory(BuildContext)
    /// An image: a stage's, one of the store, or files from elsewhere as a layer.
    case image(Image)

}

extension StageBuilder {
    /// Resolves a `--from` or a mount's `from` in that line; nil is the build context.
    ///
    /// - Parameter allowsIndex: True if a number is a stage's index, as in COPY.
    func origin(of from: Word?, _ line: Int, allowsIndex: Bool = true) async throws -> Origin {
        guard let from else { return try await shared.context() }
        switch try plan.graph.source(from, in: index, allowsIndex: allowsIndex) {
        case .stage(let index): return .image(image(ofStage: index))
        case .image(let name):
            let suggestion = plan.graph.suggestion(for: name, in: index)
            return .image(try await shared.image(name, at: plan.place(line), suggestion: suggestion))
        case .scratch: return .image(.scratch(shared.request.platform, in: shared.store))
        case .context(let name):
            if let index = plan.contextStages[name] { return .image(image(ofStage: index)) }
            return try await shared.context(named: name, at: plan.place(line))
        case .buildContext: return try await shared.context()
        }
    }

    /// Returns a digest for all that `sources` can read there, with its name in the step's key.
    ///
    /// Nil if only the files' content can identify them.
    func cheapKey(at origin: Origin, _ sources: [String]) async throws -> (name: String, value: String)? {
        switch origin {
        case .image(let image):
            return ("the source's layers", Digest.chainID(of: image.layers)?.description ?? "scratch")
        case .directory(let context):
            let stamp = try await Offload.run { try context.stamp(of: sources) }
            return stamp.map { ("the source's files from outside", $0.description) }
        }
    }

    /// Runs `body`, which selects files of an origin; an error about a missing one names the pattern that excludes it.
    func selecting<T>(from origin: Origin, _ body: () throws -> T) throws -> T {
        do {
            return try body()
        } catch BuildError.sourceNotFound(let text) {
            if case .directory(let context) = origin { try context.expectNotIgnored(text) }
            throw BuildError.sourceNotFound(text)
        }
    }

    /// The files of an origin.
    func source(_ origin: Origin) async throws -> any CopySource {
        switch origin {
        case .directory(let context): return try await Offload.run { try context.files() }
        case .image(let image): return ImageSource(image: image, tree: try await shared.trees.tree(of: image))
        }
    }

    private func image(ofStage index: Int) -> Image {
        guard let stage = inputs[index] else { preconditionFailure("a stage must start after its inputs") }
        return stage.image
    }
}

// MARK: - Contexts

extension BuildState {
    /// The build context.
    func context() async throws -> Origin {
        guard let location = request.context else { throw BuildError.noContext("-") }
        if location.isLocal { inputs.add(local: "context") }
        if case .directory(let path) = location { return .directory(directory(path, dockerfile: dockerfilePath)) }
        return try await origin(of: location, at: nil)
    }

    /// The ignore rules of the build context; nil if it isn't a directory.
    var ignoreRules: IgnoreRules? {
        guard case .directory(let path) = request.context else { return nil }
        return directory(path, dockerfile: dockerfilePath).ignoreRules
    }

    /// A named context; an image is that for `platform`, without it for the build's.
    func context(
        named name: String, for platform: Platform? = nil, at place: BuildError.Location
    ) async throws -> Origin {
        guard let location = request.contexts.first(where: { StageGraph.contextName($0.key) == name })?.value else {
            throw BuildError.baseNotFound(name, at: place)
        }
        if location.isLocal { inputs.add(local: name) }
        return try await origin(of: location, for: platform, at: place)
    }

    /// Returns a named context as the base of a stage for `platform`; only an image has a configuration.
    func base(named name: String, for platform: Platform, at place: BuildError.Location) async throws -> Image {
        switch try await context(named: name, for: platform, at: place) {
        case .image(let image): return image
        case .directory(let context):
            let store = store
            let layer = try await Offload.run { try context.files().layer(in: store) }
            return image(of: CachedStep(layer: layer, epoch: 0))
        }
    }

    /// Returns an image with only a step's layer.
    func image(of step: CachedStep) -> Image {
        Image.scratch(request.platform, in: store).appending(
            step.layer, history: History(created: nil, createdBy: "CONTEXT", comment: Frontend.CreatedBy.comment))
    }

    private func origin(
        of location: ContextLocation, for platform: Platform? = nil, at place: BuildError.Location?
    ) async throws -> Origin {
        switch location {
        case .directory(let path): return .directory(directory(path, dockerfile: nil))
        case .scratch: return .image(.scratch(request.platform, in: store))
        case .image(let reference):
            let place = place ?? BuildError.Location(file: "context", line: 1)
            return .image(try await image(reference.description, for: platform, at: place))
        case .layout(let path, let name):
            return .image(try await layoutImage(path, name, for: platform ?? request.platform))
        case .stage(let name): throw BuildError.badContext("target:\(name)", reason: "is not for the build context")
        case .git, .web, .standardInput:
            guard case .files(let image) = try await found(location) else {
                // A single Dockerfile has no further files.
                return .image(.scratch(request.platform, in: store))
            }
            return .image(image)
        }
    }

    /// Fetches a context from elsewhere, once.
    private func found(_ location: ContextLocation) async throws -> ResolvedContext {
        try await contextLoads.value(of: location) { [self] in
            switch location {
            case .git(let git): return .files(try await GitRepository(location: git, state: self).image())
            case .web(let address): return try await webContext(address)
            default: return try await streamedContext()
            }
        }
    }

    private func streamedContext() async throws -> ResolvedContext {
        try await Offload.run { [self] in
            try inWorkArea { area in
                let file = try area.open("context", [.write, .create, .exclusive], mode: 0o600)
                let source = FileSource(try StandardInput.open())
                while true {
                    let chunk = try source.next()
                    if chunk.isEmpty { break }
                    try file.write(chunk)
                }
                return try context(in: area, name: "standard input")
            }
        }
    }

    private func webContext(_ address: String) async throws -> ResolvedContext {
        let (image, name) = try await WebFile(address: address, state: self).image()
        var key = Digest.Hasher()
        key.update(field: "web context")
        key.update(field: Digest.chainID(of: image.layers)?.description ?? "")
        let digest = key.finalize()
        if request.usesCache, let step = try store.cachedStep(for: digest) { return .files(self.image(of: step)) }
        let tree = try await store.tree(of: image)
        return try await Offload.run { [self] in
            try inWorkArea { area in
                try copy(name, of: image, tree, to: "context", in: area)
                let found = try context(in: area, name: SourceAddress.redacted(address))
                if case .files(let made) = found, let layer = made.layers.first {
                    try store.cache(CachedStep(layer: layer, epoch: 0), for: digest)
                }
                return found
            }
        }
    }

    private func context(in area: Directory, name: String) throws -> ResolvedContext {
        switch try ContextArchive(store: store, name: name).read("context", in: area) {
        case .files(let step): .files(image(of: step))
        case .dockerfile(let bytes): .dockerfile(bytes)
        }
    }

    /// Writes a file of an image into a work area.
    func copy(
        _ name: String, of image: Image, _ tree: FileTree, to path: FilePath, in area: Directory
    ) throws {
        let file = try area.open(path, [.write, .create, .exclusive], mode: 0o600)
        guard let place = try? ImagePath(name), let node = tree.node(at: place) else { return }
        try image.readContents(of: [tree[node: node].inode], in: tree, verifying: true) { _, reader in
            try reader.readContent { try unsafe file.write($0.span.bytes) }
        }
    }

    /// Runs `body` with a new directory, which is removed afterwards.
    func inWorkArea<T>(_ body: (Directory) throws -> T) throws -> T {
        let area = try snapshots.makeWorkArea()
        let result = Result { try body(Directory(area)) }
        // The result of `body` counts; a directory that stays is removed by the next garbage collection.
        try? snapshots.removeWorkArea(area)
        return try result.get()
    }

    /// Copies an image of a layout into the store: an image built on it has layers of both.
    private func layoutImage(_ path: FilePath, _ name: String?, for platform: Platform) async throws -> Image {
        let (store, inputs) = (store, inputs)
        return try await Offload.run {
            let layout = try Layout(at: path)
            let image =
                if let digest = name.flatMap({ try? Digest($0) }) {
                    try layout.image(digest, for: platform)
                } else {
                    try layout.image(tag: name, for: platform)
                }
            let label = name.flatMap { (try? Digest($0)) == nil ? $0 : nil } ?? path.lastComponent?.string ?? "layout"
            inputs.add(BuildInputs.Material(image, inLayout: label))
            return try store.image(store.publish(image, as: nil), for: platform, name: path.string)
        }
    }
}

/// The content of a context from elsewhere.
enum ResolvedContext: Sendable {
    case files(Image)
    case dockerfile([UInt8])
}

/// Values that are made once, at their first use; later callers wait for the same task.
actor SingleFlight<Key: Hashable & Sendable, Value: Sendable> {
    private var tasks: [Key: Task<Value, any Error>] = [:]

    func value(of key: Key, _ make: @escaping @Sendable () async throws -> Value) async throws -> Value {
        let task = tasks[key] ?? Task(operation: make)
        tasks[key] = task
        return try await withTaskCancellationHandler {
            try await task.value
        } onCancel: {
            task.cancel()
        }
    }
}

// MARK: - The Dockerfile

extension BuildState {
    /// Returns the Dockerfile from any location, with its name for messages.
    func dockerfile() async throws -> (bytes: [UInt8], name: String) {
        if dockerfilePath != nil || request.dockerfile == .standardInput { inputs.add(local: "dockerfile") }
        switch request.dockerfile {
        case .file(let path): return try await Offload.run { try Self.read(path) }
        case .standardInput:
            return (try await Offload.run { try StandardInput.open().readAll(limit: 64 << 20) }, "Dockerfile")
        case .web(let address):
            let file = WebFile(address: address, state: self)
            return (try await file.contents(limit: 16 << 20), file.name)
        case .inContext(let name):
            if let path = dockerfilePath { return try await Offload.run { try Self.read(path) } }
            return try await dockerfile(named: name)
        }
    }

    /// The Dockerfile's path on this machine, if it has one.
    private var dockerfilePath: FilePath? {
        switch (request.dockerfile, request.context) {
        case (.file(let path), _): return path
        case (.inContext(let name?), .directory(let context)): return context.pushing(FilePath(name))
        case (.inContext(nil), .directory(let context)):
            let exists = { (name: String) in (try? OwnedDescriptor(context.appending(name), .path)) != nil }
            return context.appending(!exists("Dockerfile") && exists("dockerfile") ? "dockerfile" : "Dockerfile")
        default: return nil
        }
    }

    private static func read(_ path: FilePath) throws -> (bytes: [UInt8], name: String) {
        do {
            return (
                try OwnedDescriptor(path).readAll(limit: 64 << 20), path.lastComponent?.string ?? path.string
            )
        } catch {
            guard [.noSuchFileOrDirectory, .isDirectory, .notDirectory].contains(error.errno) else { throw error }
            throw BuildError.noDockerfile(path.string, others: OtherDockerfiles.beside(path))
        }
    }

    private func dockerfile(named name: String?) async throws -> (bytes: [UInt8], name: String) {
        guard let location = request.context else { throw BuildError.noDockerfile(name ?? "Dockerfile", others: []) }
        switch location {
        case .git, .web, .standardInput:
            if case .dockerfile(let bytes) = try await found(location) { return (bytes, "Dockerfile") }
        default: break
        }
        guard case .image(let image) = try await origin(of: location, at: nil) else {
            preconditionFailure("a directory's Dockerfile must have a path")
        }
        let tree = try await trees.tree(of: image)
        let names = name.map { [$0] } ?? ["Dockerfile", "dockerfile"]
        return try await Offload.run {
            for name in names {
                if let bytes = try image.contents(of: name, in: tree) {
                    return (bytes, FilePath(name).lastComponent?.string ?? name)
                }
            }
            throw BuildError.noDockerfile(names[0], others: [])
        }
    }
}
