internal import Frontend
internal import Linux
internal import OCI

/// One stage during the build: its layers and configuration so far, and the scope of the next instruction.
struct StageBuilder: Sendable {
    /// The layers so far; the configuration is in ``draft``.
    var image: Image
    /// The configuration so far.
    var draft: ConfigDraft
    private(set) var scope: Scope
    /// The newest input so far, in seconds since 1970: no time in a new layer is later.
    var epoch: Int64
    /// The number of the stage in the Dockerfile.
    var index = 0
    /// The stages that this one reads, by index.
    var inputs: [Int: StageBuilder] = [:]

    let label: String
    let plan: BuildPlan
    let shared: BuildState
    private let base: Image
    private var hasOwnCommand = false
    /// The number of layers from the base image.
    var baseLayerCount: Int { base.layers.count }

    init(_ base: Image, _ label: String, _ plan: BuildPlan, _ shared: BuildState) {
        let variables = base.config.environment.map { Variable($0) }
        scope = Scope(plan.scope, baseEnvironment: variables, os: base.config.platform.os)
        image = base
        draft = ConfigDraft(base.config)
        if base.layers.isEmpty, base.config.workingDirectory.isEmpty { draft.document.workingDirectory = "/" }
        epoch = shared.epoch ?? Self.bounded(RFC3339.seconds(base.config.created ?? "") ?? 0)
        (self.base, self.label, self.plan, self.shared) = (base, label, plan, shared)
    }

    /// Returns a stage that starts with the result of this one.
    func continued(as label: String) -> StageBuilder { StageBuilder(continuing: self, label) }

    private init(continuing start: StageBuilder, _ label: String) {
        (image, draft, scope, epoch, base) = (start.image, start.draft, start.scope, start.epoch, start.base)
        (self.label, plan, shared) = (label, start.plan, start.shared)
    }

    /// Limits a time to the range of SOURCE_DATE_EPOCH and RFC 3339: from 1970 to the end of 9999.
    static func bounded(_ seconds: Int64) -> Int64 { min(max(seconds, 0), 253_402_300_799) }

    /// Removes and returns the ONBUILD triggers of the base, which this stage runs instead of keeping them.
    mutating func takeTriggers() -> [String] {
        let triggers = draft.document.onBuild + draft.triggers
        if !draft.document.onBuild.isEmpty { draft.document.onBuild = [] }
        draft.triggers = []
        return triggers
    }

    /// Returns the image with its configuration, its dates and the labels of the command line.
    func finished(labels: [String: String]) -> Image {
        let environment = scope.configEnvironment.map(\.description)
        var draft = draft
        draft.labels.merge(labels) { $1 }
        let config = draft.finished(environment: environment, created: RFC3339.text(epoch))
        return base.replacingLayers(image.layers, config: config)
    }
}

// MARK: - Instructions

extension StageBuilder {
    /// Executes an instruction.
    mutating func apply(_ instruction: Instruction, from source: StepSource) async throws {
        do {
            switch instruction {
            case .run(let run): try await self.run(run, from: source)
            case .copy(let copy): try await self.copy(copy, from: source)
            case .add(let add): try await self.add(add, from: source)
            case .workdir(let workdir): try await self.workdir(workdir, from: source)
            default: try configure(instruction)
            }
        } catch let error as BuildError {
            switch error {
            case .dockerfile, .baseNotFound, .runFailed, .unsupported, .stepFailed, .unexpectedMiss, .wrongPlatform,
                .needsEmulation, .notAllowed, .secretMissing, .agentMissing:
                throw error
            default: throw BuildError.stepFailed(error, at: plan.place(source.line))
            }
        } catch let error as Diagnostic {
            let located = Diagnostic(Position(line: source.line, column: 1), error.message)
            throw BuildError.dockerfile(plan.dockerfile.error(error.position.line > 0 ? error : located))
        } catch is CancellationError {
            throw CancellationError()
        } catch {
            throw BuildError.stepFailed(error, at: plan.place(source.line))
        }
    }

    /// Executes an instruction that only changes the configuration.
    private mutating func configure(_ instruction: Instruction) throws {
        switch instruction {
        case .arg(let arg):
            let values = try scope.declare(arg)
            note(Frontend.CreatedBy.arguments(values))
        case .env(let env):
            let values = try scope.set(env)
            note(Frontend.CreatedBy.pairs("ENV", values))
        case .label(let label):
            let values = try scope.expand(label.pairs)
            for value in values { draft.labels[value.name] = value.value }
            note(Frontend.CreatedBy.pairs("LABEL", values))
        case .cmd(let command):
            hasOwnCommand = true
            let words = command.words(shell: shell)
            note(Frontend.CreatedBy.command("CMD", words)) {
                $0.command = words.isEmpty ? nil : words
                $0.argumentsAreEscaped = true
            }
        case .entrypoint(let command):
            let words = command.words(shell: shell)
            let keepsCommand = hasOwnCommand
            note(Frontend.CreatedBy.command("ENTRYPOINT", words)) {
                $0.entrypoint = words.isEmpty ? nil : words
                if !keepsCommand { $0.command = nil }
            }
        case .shell(let shell): note(Frontend.CreatedBy.list("SHELL", shell.words)) { $0.shell = shell.words }
        case .user(let user):
            let name = try scope.expand(user.user)
            note(Frontend.CreatedBy.value("USER", name)) { $0.user = name }
        case .volume(let volume):
            let paths = try volume.paths.map { (word) throws(Diagnostic) in try scope.expand(word) }
            draft.volumes.formUnion(paths)
            note(Frontend.CreatedBy.list("VOLUME", paths))
        case .expose(let expose):
            let ports = try scope.ports(expose).map(\.text)
            draft.exposedPorts.formUnion(ports)
            note(Frontend.CreatedBy.list("EXPOSE", ports))
        case .stopSignal(let signal):
            let name = try scope.signal(signal)
            note(Frontend.CreatedBy.value("STOPSIGNAL", name)) { $0.stopSignal = name }
        case .healthcheck(let check):
            note(Frontend.CreatedBy.healthcheck(check)) { $0.healthcheck = Self.json(of: check) }
        case .maintainer(let maintainer):
            note(Frontend.CreatedBy.value("MAINTAINER", maintainer.name)) { $0.author = maintainer.name }
        case .onBuild(let trigger): draft.triggers.append(trigger.trigger)
        case .run, .copy, .add, .workdir: preconditionFailure("this instruction makes a layer")
        }
    }

    /// The words before a shell-form command.
    var shell: [String] {
        draft.document.shell ?? (draft.document.platform.os == "windows" ? ["cmd", "/S", "/C"] : ["/bin/sh", "-c"])
    }

    /// The value of USER; empty means root.
    var user: String { draft.document.user }

    /// The directory to which paths are relative.
    var workingDirectory: String {
        draft.document.workingDirectory.isEmpty ? "/" : draft.document.workingDirectory
    }

    /// Adds history without a layer, and edits the configuration.
    mutating func note(_ createdBy: String, _ edit: (inout ImageConfig) -> Void = { _ in }) {
        edit(&draft.document)
        draft.history.append(Self.history(createdBy, isEmptyLayer: true))
    }

    static func history(_ createdBy: String, isEmptyLayer: Bool) -> OCI.History {
        OCI.History(
            created: nil, createdBy: createdBy, comment: Frontend.CreatedBy.comment, isEmptyLayer: isEmptyLayer)
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
