internal import OCI

/// The identity of a step: a digest over everything its result depends on, field by field.
///
/// Layers below are identified by their chain ID, so a step depends on their content and not on their origin. After a
/// stage is rebuilt with the same bytes, everything above it stays cached.
///
/// Besides the digest it has its inputs by name, so that a later build can report which of them changed.
struct StepFingerprint: Sendable {
    private var hasher = Digest.Hasher()
    private var explanations: [@Sendable (inout StepInputs) -> Void] = []

    /// Starts with the kind of step, the layers below, and the newest time that its layer may have.
    ///
    /// The compression of the layer is not part of its identity.
    init(_ kind: String, on layers: some Sequence<Layer>, epoch: Int64) {
        add("kind", kind)
        add(StepInput.base, Digest.chainID(of: layers)?.description ?? "scratch")
        add(StepInput.newest, "\(epoch)")
    }

    /// Starts the identity of a stage's next step.
    init(_ kind: String, on stage: StageBuilder) {
        self.init(kind, on: stage.image.layers, epoch: stage.epoch)
    }

    /// Adds an input that is reported under this name.
    mutating func add(_ name: String, _ value: String) {
        hash(name, value)
        explain { [StepInput(name: name, value: value)] }
    }

    /// Adds a list that is reported as one input.
    mutating func add(_ name: String, _ values: [String]) {
        hash(name, "\(values.count)")
        for value in values { hasher.update(field: value) }
        explain { [StepInput(name: name, value: values.joined(separator: " "))] }
    }

    /// Adds variables, each reported as an input of its own.
    mutating func add(_ name: String, variables: [String]) {
        hash(name, "\(variables.count)")
        for variable in variables { hasher.update(field: variable) }
        explain { variables.map { StepInput(variable: $0, of: name) } }
    }

    /// Adds a field that is not reported itself.
    mutating func hash(_ name: String, _ value: String) {
        hasher.update(field: name)
        hasher.update(field: value)
    }

    /// Adds bytes that are not reported themselves.
    mutating func hash(_ name: String, _ bytes: [UInt8]) {
        hash(name, "\(bytes.count)")
        hasher.update(bytes)
    }

    /// Reports inputs by name that were hashed, or that explain hashed bytes; evaluated only when a step runs.
    mutating func explain(_ inputs: @escaping @Sendable () -> [StepInput]) {
        explain { all in for input in inputs() { all.add(input) } }
    }

    /// Reports inputs that the function adds, without a list of them.
    mutating func explain(_ adding: @escaping @Sendable (inout StepInputs) -> Void) { explanations.append(adding) }

    /// The key.
    var digest: Digest { hasher.finalize() }

    /// All inputs by name.
    var inputs: StepInputs {
        var inputs = StepInputs()
        for add in explanations { add(&inputs) }
        return inputs
    }
}
