internal import Frontend
internal import Linux
internal import OCI
internal import Sandbox
internal import Synchronization
internal import SystemPackage

// RUN: the command in a container over the layers so far; what it wrote is the layer.

extension StageBuilder {
    mutating func run(_ run: Instruction.Run, _ text: String, _ line: Int) async throws {
        let place = plan.place(line)
        if let mount = run.mounts.first { throw BuildError.unsupported("RUN --mount=\(mount.word.text)", at: place) }
        if run.security == .insecure { throw BuildError.unsupported("RUN --security=insecure", at: place) }
        if !run.devices.isEmpty { throw BuildError.unsupported("RUN --device", at: place) }
        let job = RunJob(run, self)
        let stage = self
        let key = job.key(on: self)
        let history = Frontend.History.run(job.words, arguments: scope.historyArguments)
        try await step(text, line, history: history, keys: [{ key }]) {
            try await stage.execute(job, line)
        }
    }

    private func execute(_ job: RunJob, _ line: Int) async throws -> CachedStep {
        let lower = try await shared.snapshots.directories(of: image)
        let (shared, label, image, epoch) = (shared, label, image, epoch)
        // Needed only when the command has ended.
        async let tree = shared.trees.tree(of: image)
        let place = plan.place(line)
        let area = try shared.snapshots.makeWorkArea()
        do {
            let overlay = try Self.overlay(in: area, over: lower, root: Self.root(of: lower))
            let tail = OutputTail()
            let command = try job.command(account: overlay.account(image.config.user), epoch: epoch, in: area)
            let status = try await Container(overlay).run(command) { _, span in
                let bytes = unsafe span.withUnsafeBytes { unsafe Array($0) }
                tail.add(bytes)
                shared.progress(.output(stage: label, line: line, bytes: bytes))
            }
            guard status.isSuccess else {
                throw BuildError.runFailed(
                    command: job.text, status: "\(status)", output: tail.lines, at: place)
            }
            let below = try await tree
            return try await Offload.run {
                let step = try Self.layer(of: overlay, below, shared, epoch: epoch)
                try shared.snapshots.adopt(overlay.upper, as: image.layers + [step.layer])
                try shared.snapshots.removeWorkArea(area)
                return step
            }
        } catch {
            // The failure counts; a directory that stays is swept with the next collection.
            try? shared.snapshots.removeWorkArea(area)
            throw error
        }
    }

    /// What the root directory looks like: the topmost layer's shows.
    private static func root(of lower: [FilePath]) throws -> FileMetadata {
        guard let top = lower.first else { return FileMetadata(mode: 0o755) }
        let status = try Directory(top).descriptor.status()
        return FileMetadata(mode: UInt16(status.mode & 0o7777), uid: status.uid, gid: status.gid)
    }

    private static func overlay(in area: FilePath, over lower: [FilePath], root: FileMetadata) throws -> Overlay {
        let directory = try Directory(area)
        try directory.makeDirectory("upper")
        try directory.makeDirectory("work")
        try directory.setOwner(of: "upper", uid: root.uid, gid: root.gid)
        try directory.setMode(of: "upper", UInt32(root.mode))
        return Overlay(lowers: lower, upper: area.appending("upper"), work: area.appending("work"))
    }

    private static func layer(
        of overlay: Overlay, _ tree: FileTree, _ shared: BuildState, epoch: Int64
    ) throws -> CachedStep {
        let writer = try LayerWriter(into: shared.store, compression: shared.request.compression)
        let lowers = try overlay.lowers.map { try Directory($0) }
        let difference = OverlayDiff(upper: try Directory(overlay.upper), lower: tree, epoch: epoch) { path in
            // The topmost directory that has it: a hard link's content may stand higher than where its file came from.
            guard let lower = try lowers.first(where: { try $0.exists(FilePath(path)) }) else { return nil }
            return FileSource(try lower.open(FilePath(path), [.read, .noFollow]))
        }
        try difference.write(to: writer)
        return CachedStep(layer: try writer.finish(), epoch: epoch)
    }
}

/// A RUN with all that its command sees.
struct RunJob: Sendable {
    /// The words of the process.
    let words: [String]
    private let environment: [String]
    private let proxies: [String]
    private let workingDirectory: String
    private let user: String
    private let network: BuildRequest.Network
    /// A heredoc that starts with `#!`, which the command finds at `/dev/pipes/NAME`.
    private let script: (name: String, contents: String)?

    /// The command in one line.
    var text: String { words.joined(separator: " ") }

    init(_ run: Instruction.Run, _ stage: StageBuilder) {
        words = run.body.words(shell: stage.shell)
        script = if case .script(let name, let contents) = run.body { (name, contents) } else { nil }
        environment = stage.scope.runEnvironment.map(\.description)
        proxies = stage.plan.scope.arguments.proxyEnvironment.map(\.description)
        workingDirectory = stage.workingDirectory
        user = stage.image.config.user
        network = run.network.flatMap(BuildRequest.Network.init) ?? stage.shared.request.network
    }

    /// Everything that can change the result; proxies can't, by convention.
    func key(on stage: StageBuilder) -> Digest {
        var key = Fingerprint("run", on: stage)
        key.add("words", words)
        key.add("environment", environment)
        key.add("directory", workingDirectory)
        key.add("user", user)
        key.add("network", network.rawValue)
        if let script { key.add("script", script.contents) }
        return key.digest
    }

    /// The command for a container. SOURCE_DATE_EPOCH makes compilers and packers repeat themselves, and Python write
    /// bytecode that stays valid whatever becomes of its source's time. `area` takes what has to be a file meanwhile.
    func command(account: Account, epoch: Int64, in area: FilePath) throws -> Command {
        var environment = environment + proxies
        if !environment.contains(where: { $0.hasPrefix("SOURCE_DATE_EPOCH=") }) {
            environment.append("SOURCE_DATE_EPOCH=\(epoch)")
        }
        var command = Command(words, environment: environment)
        command.workingDirectory = FilePath(workingDirectory)
        command.account = account
        command.hostname = "buildkitsandbox"
        command.network = network == .host ? .host : .none
        if let script {
            let place = FilePath("/dev/pipes/\(script.name)")
            let directory = try Directory(area)
            try directory.replace("script", with: Array(script.contents.utf8), mode: 0o755)
            try directory.setMode(of: "script", 0o755)
            command.attachments.append(Attachment(.host(area.appending("script")), at: place, isReadOnly: true))
        }
        return command
    }
}

extension BuildRequest.Network {
    /// What the instruction asks for; nil where that is whatever the build has.
    fileprivate init?(_ network: Instruction.Run.Network) {
        switch network {
        case .none: self = .none
        case .host: self = .host
        case .default: return nil
        }
    }
}

/// The last lines that a command wrote.
private final class OutputTail: Sendable {
    private static let limit = 64 << 10
    private let bytes = Mutex<[UInt8]>([])

    func add(_ more: [UInt8]) {
        bytes.withLock { bytes in
            bytes += more
            if bytes.count > 2 * Self.limit { bytes.removeFirst(bytes.count - Self.limit) }
        }
    }

    var lines: [String] {
        let text = String(decoding: bytes.withLock { $0 }, as: UTF8.self)
        return text.split(whereSeparator: \.isNewline).suffix(20).map { String($0.prefix(500)) }
    }
}
