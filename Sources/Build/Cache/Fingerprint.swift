internal import OCI

/// The identity of a step: a digest over everything its result depends on, field by field.
///
/// The layers below enter by their chain ID, so a step depends on what is there and not on how it came to be: a stage
/// that was rebuilt to the same bytes keeps everything above it.
///
/// Beside the digest it can tell its inputs by name, so that a later build that differs can say in what.
struct Fingerprint: Sendable {
    private var hasher = Digest.Hasher()
    private var told: [@Sendable () -> [StepInput]] = []

    /// Starts with the kind of step, the layers it stands on, and what every step's layer depends on besides: the
    /// newest time it may have. How it is compressed is not part of what it is.
    init(_ kind: String, on layers: some Sequence<Layer>, epoch: Int64) {
        add("kind", kind)
        add(StepInput.base, Digest.chainID(of: layers)?.description ?? "scratch")
        add(StepInput.newest, "\(epoch)")
    }

    /// Starts the identity of a stage's next step.
    init(_ kind: String, on stage: StageBuilder) {
        self.init(kind, on: stage.image.layers, epoch: stage.epoch)
    }

    /// Adds an input that is told under this name.
    mutating func add(_ name: String, _ value: String) {
        hash(name, value)
        tell { [StepInput(name: name, value: value)] }
    }

    /// Adds a list that is told as one input.
    mutating func add(_ name: String, _ values: [String]) {
        hash(name, "\(values.count)")
        for value in values { hasher.update(field: value) }
        tell { [StepInput(name: name, value: values.joined(separator: " "))] }
    }

    /// Adds variables, each told as an input of its own.
    mutating func add(_ name: String, variables: [String]) {
        hash(name, "\(variables.count)")
        for variable in variables { hasher.update(field: variable) }
        tell { variables.map { StepInput(variable: $0, of: name) } }
    }

    /// Adds a field that is not told by itself.
    mutating func hash(_ name: String, _ value: String) {
        hasher.update(field: name)
        hasher.update(field: value)
    }

    /// Adds bytes that are not told by themselves.
    mutating func hash(_ name: String, _ bytes: [UInt8]) {
        hash(name, "\(bytes.count)")
        hasher.update(bytes)
    }

    /// Tells inputs by name that were hashed, or that explain what was. Asked for only when a step is done.
    mutating func tell(_ inputs: @escaping @Sendable () -> [StepInput]) { told.append(inputs) }

    /// The key.
    var digest: Digest { hasher.finalize() }

    /// What went in, by name.
    var inputs: [StepInput] { told.flatMap { $0() } }
}
