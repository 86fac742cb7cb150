internal import OCI

/// The identity of a step: a digest over everything its result depends on, field by field.
///
/// The layers below enter by their chain ID, so a step depends on what is there and not on how it came to be: a stage
/// that was rebuilt to the same bytes keeps everything above it.
struct Fingerprint {
    private var hasher = Digest.Hasher()

    /// Starts with the kind of step, the layers it stands on, and what every step's layer depends on besides: the
    /// newest time it may have, and how it is stored.
    init(_ kind: String, on layers: some Sequence<Layer>, epoch: Int64, compression: OCI.Compression) {
        add("kind", kind)
        add("base", Digest.chainID(of: layers)?.description ?? "scratch")
        add("epoch", "\(epoch)")
        add("compression", compression.rawValue)
    }

    /// Starts the identity of a stage's next step.
    init(_ kind: String, on stage: StageBuilder) {
        self.init(
            kind, on: stage.image.layers, epoch: stage.epoch, compression: stage.shared.request.compression)
    }

    mutating func add(_ name: String, _ value: String) {
        hasher.update(field: name)
        hasher.update(field: value)
    }

    mutating func add(_ name: String, _ values: [String]) {
        add(name, "\(values.count)")
        for value in values { hasher.update(field: value) }
    }

    mutating func add(_ name: String, _ bytes: [UInt8]) {
        add(name, "\(bytes.count)")
        hasher.update(bytes)
    }

    var digest: Digest { hasher.finalize() }
}
