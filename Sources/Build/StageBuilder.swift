internal import Frontend
internal import Linux
internal import OCI

/// One stage being built: the image so far, and what the next instruction sees.
struct StageBuilder: Sendable {
    /// The image so far.
    var image: Image
    private(set) var scope: Scope
    /// The newest input so far, in seconds: no time in a new layer is later.
    var epoch: Int64
    /// The stages that ended before this one began, by index.
    var earlier: [Int: StageBuilder] = [:]

    let label: String
    let plan: BuildPlan
    let shared: BuildState
    private var hasOwnCommand = false
    private let baseHistoryCount: Int
    /// How many layers the image came with.
    let baseLayerCount: Int

    init(_ base: Image, _ label: String, _ plan: BuildPlan, _ shared: BuildState) {
        let variables = base.config.environment.map { Variable($0) }
        scope = Scope(plan.scope, baseEnvironment: variables)
        let environment = scope.configEnvironment.map(\.description)
        image = base.configured {
            $0.environment = environment
            if base.layers.isEmpty, $0.workingDirectory.isEmpty { $0.workingDirectory = "/" }
        }
        epoch = shared.request.epoch ?? Self.bounded(RFC3339.seconds(base.config.created ?? "") ?? 0)
        baseHistoryCount = base.config.history.count
        baseLayerCount = base.layers.count
        (self.label, self.plan, self.shared) = (label, plan, shared)
    }

    /// A stage that starts where this one ended.
    func continued(as label: String) -> StageBuilder { StageBuilder(continuing: self, label) }

    private init(continuing base: StageBuilder, _ label: String) {
        (image, scope, epoch, baseHistoryCount) = (base.image, base.scope, base.epoch, base.baseHistoryCount)
        baseLayerCount = base.baseLayerCount
        (self.label, plan, shared) = (label, base.plan, base.shared)
    }

    /// A time that tools take for SOURCE_DATE_EPOCH and RFC 3339 can write: from 1970 to the end of 9999.
    static func bounded(_ seconds: Int64) -> Int64 { min(max(seconds, 0), 253_402_300_799) }

    /// ONBUILD triggers of the base, which this stage runs instead of keeping.
    mutating func takeTriggers() -> [String] {
        let triggers = image.config.onBuild
        if !triggers.isEmpty { image = image.configured { $0.onBuild = [] } }
        return triggers
    }

    /// The image with its dates and the labels of the command line.
    func finished(labels: [String: String]) -> Image {
        let created = RFC3339.text(epoch)
        return image.configured { config in
            config.created = created
            for (name, value) in labels { config.labels[name] = value }
            for index in config.history.indices.dropFirst(baseHistoryCount) { config.history[index].created = created }
        }
    }
}

// MARK: - Instructions

extension StageBuilder {
    /// Does what an instruction says. `text` is the instruction as written.
    mutating func apply(_ instruction: Instruction, text: String, line: Int) async throws {
        do {
            switch instruction {
            case .run(let run): try await self.run(run, text, line)
            case .copy(let copy): try await self.copy(copy, text, line)
            case .add(let add): try await self.add(add, text, line)
            case .workdir(let workdir): try await self.workdir(workdir, text, line)
            default: try configure(instruction)
            }
        } catch let error as BuildError {
            switch error {
            case .dockerfile, .baseNotFound, .runFailed, .unsupported, .stepFailed, .unexpectedMiss, .wrongPlatform,
                .needsEmulation, .notAllowed, .secretMissing, .agentMissing:
                throw error
            default: throw BuildError.stepFailed(error, at: plan.place(line))
            }
        } catch let error as Diagnostic {
            let located = Diagnostic(Position(line: line, column: 1), error.message)
            throw BuildError.dockerfile(plan.dockerfile.error(error.position.line > 0 ? error : located))
        } catch is CancellationError {
            throw CancellationError()
        } catch {
            throw BuildError.stepFailed(error, at: plan.place(line))
        }
    }

    /// The instructions that change the configuration only.
    private mutating func configure(_ instruction: Instruction) throws {
        switch instruction {
        case .arg(let arg):
            let values = try scope.declare(arg)
            note(Frontend.History.arguments(values))
        case .env(let env):
            let values = try scope.set(env)
            let environment = scope.configEnvironment.map(\.description)
            note(Frontend.History.pairs("ENV", values)) { $0.environment = environment }
        case .label(let label):
            let values = try scope.expand(label.pairs)
            note(Frontend.History.pairs("LABEL", values)) { config in
                for value in values { config.labels[value.name] = value.value }
            }
        case .cmd(let command):
            hasOwnCommand = true
            let words = command.words(shell: shell)
            note(Frontend.History.command("CMD", words)) {
                $0.command = words.isEmpty ? nil : words
                $0.argumentsAreEscaped = true
            }
        case .entrypoint(let command):
            let words = command.words(shell: shell)
            let keepsCommand = hasOwnCommand
            note(Frontend.History.command("ENTRYPOINT", words)) {
                $0.entrypoint = words.isEmpty ? nil : words
                if !keepsCommand { $0.command = nil }
            }
        case .shell(let shell): note(Frontend.History.list("SHELL", shell.words)) { $0.shell = shell.words }
        case .user(let user):
            let name = try scope.expand(user.user)
            note(Frontend.History.value("USER", name)) { $0.user = name }
        case .volume(let volume):
            let paths = try volume.paths.map { (word) throws(Diagnostic) in try scope.expand(word) }
            note(Frontend.History.list("VOLUME", paths)) { $0.volumes = Set($0.volumes + paths).sorted() }
        case .expose(let expose):
            let ports = try scope.ports(expose).map(\.text)
            note(Frontend.History.list("EXPOSE", ports)) { $0.exposedPorts = Set($0.exposedPorts + ports).sorted() }
        case .stopSignal(let signal):
            let name = try scope.signal(signal)
            note(Frontend.History.value("STOPSIGNAL", name)) { $0.stopSignal = name }
        case .healthcheck(let check):
            note(Frontend.History.healthcheck(check)) { $0.healthcheck = Self.json(of: check) }
        case .maintainer(let maintainer):
            note(Frontend.History.value("MAINTAINER", maintainer.name)) { $0.author = maintainer.name }
        case .onBuild(let trigger): image = image.configured { $0.onBuild.append(trigger.trigger) }
        case .run, .copy, .add, .workdir: preconditionFailure("instructions that make layers are done elsewhere")
        }
    }

    /// The words in front of a shell-form command.
    var shell: [String] { image.config.shell ?? ["/bin/sh", "-c"] }

    /// Where relative paths start.
    var workingDirectory: String { image.config.workingDirectory.isEmpty ? "/" : image.config.workingDirectory }

    private mutating func note(_ createdBy: String, _ edit: (inout ImageConfig) -> Void = { _ in }) {
        image = image.configured { config in
            edit(&config)
            config.history.append(Self.history(createdBy, isEmptyLayer: true))
        }
    }

    static func history(_ createdBy: String, isEmptyLayer: Bool) -> OCI.History {
        OCI.History(
            created: nil, createdBy: createdBy, comment: Frontend.History.comment, isEmptyLayer: isEmptyLayer)
    }

    private static func json(of check: Instruction.Healthcheck) -> JSON {
        var json = JSON.object(["Test": .strings(check.test)])
        let numbers = [
            ("Interval", check.interval), ("Timeout", check.timeout), ("StartPeriod", check.startPeriod),
            ("StartInterval", check.startInterval), ("Retries", Int64(check.retries)),
        ]
        for (key, value) in numbers where value != 0 { json[key] = .integer(value) }
        return json
    }
}
