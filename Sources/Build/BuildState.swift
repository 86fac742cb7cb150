internal import HTTP
internal import Linux
internal import OCI
internal import Sandbox
internal import Synchronization
internal import SystemPackage

/// The state that all stages of one build share.
final class BuildState: Sendable {
    let request: BuildRequest
    let store: Store
    let snapshots: Snapshots
    let trees: TreeCache
    let inputs = InputLog()
    private let trial = IsolationTrial()
    let web: HTTPClient
    let contextLoads = SingleFlight<ContextLocation, ResolvedContext>()
    let history: StepHistory
    let runningSteps = StepSingleFlight()
    let progress: @Sendable (BuildEvent) -> Void
    private let knownEpoch: Mutex<Int64?>
    private let sentNotes = Mutex<Set<String>>([])
    private let known = Mutex<[Digest: CachedStep]>([:])
    private let finished = Mutex<[StepReport]>([])
    private let directories = Mutex<[FilePath: BuildContext]>([:])
    private let images = Mutex<[String: Image]>([:])

    init(
        _ request: BuildRequest, store: Store, progress: @escaping @Sendable (BuildEvent) -> Void
    ) throws {
        self.request = try Self.keepingRepository(request)
        knownEpoch = Mutex(request.epoch)
        self.store = store
        self.progress = progress
        snapshots = try Snapshots(store) { progress(.note($0)) }
        trees = TreeCache(store)
        web = HTTPClient(request.web)
        history = try StepHistory(
            "\(Self.name(of: request.context)) \(request.dockerfile) \(request.platform)", in: store)
    }

    /// Applies the build argument that keeps the `.git` directory of the build context.
    private static func keepingRepository(_ request: BuildRequest) throws -> BuildRequest {
        guard case .git(let location) = request.context,
            let value = request.arguments["BUILDKIT_CONTEXT_KEEP_GIT_DIR"],
            ["1", "t", "true"].contains(value.lowercased())
        else { return request }
        var request = request
        request.context = .git(try location.adding(checksum: nil, keepsGitDirectory: true))
        return request
    }

    /// Returns a name that identifies the context.
    private static func name(of context: ContextLocation?) -> String {
        if case .directory(let path) = context { path.absolute.string } else { context.map { "\($0)" } ?? "" }
    }

    /// Returns the context in a directory; all callers get the same one.
    func directory(_ path: FilePath, dockerfile: FilePath?) -> BuildContext {
        let key = FilePath("\(dockerfile?.string ?? ""):\(path)")
        return directories.withLock { directories in
            if let known = directories[key] { return known }
            let made = BuildContext(path, dockerfile: dockerfile, store: store) { [progress] in progress(.note($0)) }
            directories[key] = made
            return made
        }
    }

    /// Returns the first of these secrets that the build has, up to the first newline, which editors add.
    func secret(_ names: [String]) throws -> String? {
        for name in names {
            guard let bytes = try request.secrets[name]?.bytes(id: name) else { continue }
            let text = String(decoding: bytes, as: UTF8.self)
            return text.split(whereSeparator: \.isNewline).first.map(String.init)
        }
        return nil
    }

    /// Seconds since 1970 that no time in the result may exceed; nil means the newest input of each step.
    var epoch: Int64? {
        get { knownEpoch.withLock { $0 } }
        set { knownEpoch.withLock { $0 = newValue } }
    }

    /// The reports of all finished steps.
    var reports: [StepReport] { finished.withLock { $0 } }

    /// Records a finished step, and sends its event.
    func finish(_ report: StepReport) {
        finished.withLock { $0.append(report) }
        progress(.finished(report))
    }

    /// Returns the isolation of commands, which is tried once; notes one that is weaker than namespaces.
    func isolation() async throws -> IsolationLadder {
        let ladder = try await trial.ladder(request.run.isolation, snapshots)
        if let note = ladder.note { noteOnce(note) }
        return ladder
    }

    /// Sends a note, unless the same one was sent before.
    func noteOnce(_ text: String) {
        if sentNotes.withLock({ $0.insert(text).inserted }) { progress(.note(text)) }
    }

    /// Records a step's result under each of its keys, for the export of this build's cache.
    func note(_ step: CachedStep, of keys: [Digest]) {
        known.withLock { known in for key in keys { known[key] = step } }
    }

    /// The steps of this build by their keys.
    var records: [Digest: CachedStep] { known.withLock { $0 } }

    /// Saves the state for the next build; `isWhole` is true if the build succeeded.
    func save(isWhole: Bool) throws {
        for directory in directories.withLock({ Array($0.values) }) { try directory.save() }
        try history.save(isWhole: isWhole)
    }

    /// Returns an image of the store, for FROM and `--from`; without a platform it is the build's.
    ///
    /// Many stages may name the same image; it is looked up once.
    ///
    /// - Parameter suggestion: The end of a message that names a similar stage; it is noted before a pull.
    func image(
        _ name: String, for platform: Platform? = nil, at place: BuildError.Location, suggestion: String = ""
    ) async throws -> Image {
        let platform = platform ?? request.platform
        let key = "\(platform) \(name)"
        if let known = images.withLock({ $0[key] }) { return known }
        let image = try await lookUp(name, for: platform, at: place, suggestion)
        images.withLock { $0[key] = image }
        return image
    }

    private func lookUp(
        _ name: String, for platform: Platform, at place: BuildError.Location, _ suggestion: String
    ) async throws -> Image {
        let reference: Reference
        do {
            reference = try Reference(name)
        } catch {
            throw BuildError.stepFailed(error, at: place)
        }
        do {
            let note = "\(place): no stage is called '\(name)'\(suggestion); looking for an image"
            let image = try await find(reference, for: platform, at: place, note: suggestion.isEmpty ? nil : note)
            let found = image.config.platform
            guard platform.accepts(found) else {
                throw BuildError.wrongPlatform(name, has: "\(found)", wanted: "\(platform)", at: place)
            }
            inputs.add(BuildInputs.Material(image, named: reference))
            return image
        } catch OCIError.imageNotFound {
            throw BuildError.baseNotFound(name, at: place)
        }
    }

    /// Returns an image of the store, else from the request's ``BuildRequest/missingImage``, which comes first for
    /// ``BuildRequest/pullsImages``.
    private func find(
        _ reference: Reference, for platform: Platform, at place: BuildError.Location, note: String?
    ) async throws -> Image {
        if request.pullsImages, reference.digest == nil,
            let image = try await missingImage(reference, for: platform, at: place)
        {
            return image
        }
        do {
            return try store.image(reference, for: platform)
        } catch OCIError.imageNotFound(let name, let store) {
            if let note { noteOnce(note) }
            if let image = try await missingImage(reference, for: platform, at: place) { return image }
            throw OCIError.imageNotFound(name, store: store)
        }
    }

    private func missingImage(
        _ reference: Reference, for platform: Platform, at place: BuildError.Location
    ) async throws -> Image? {
        do {
            return try await request.missingImage(reference, platform)
        } catch is CancellationError {
            throw CancellationError()
        } catch {
            throw BuildError.stepFailed(error, at: place)
        }
    }
}
