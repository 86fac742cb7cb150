internal import OCI

/// A stage's configuration while it grows.
///
/// The lists that lines add to are kept beside the document until the stage ends, so that a line costs the same however
/// many came before it.
struct ConfigDraft: Sendable {
    /// The document without what is added below.
    var document: ImageConfig
    /// Labels of this stage, over the document's.
    var labels: [String: String] = [:]
    /// Volumes beside the document's.
    var volumes: Set<String> = []
    /// Ports beside the document's.
    var exposedPorts: Set<String> = []
    /// ONBUILD triggers after the document's.
    var triggers: [String] = []
    /// History after the document's; dates are set when the stage ends.
    var history: [OCI.History] = []

    init(_ document: ImageConfig) { self.document = document }

    /// The whole configuration with these variables; the history that was added is of the time `created`.
    func finished(environment: [String], created: String) -> ImageConfig {
        var config = document
        config.environment = environment
        config.created = created
        if !labels.isEmpty { config.labels = config.labels.merging(labels) { $1 } }
        if !volumes.isEmpty { config.volumes = volumes.union(config.volumes).sorted() }
        if !exposedPorts.isEmpty { config.exposedPorts = exposedPorts.union(config.exposedPorts).sorted() }
        if !triggers.isEmpty { config.onBuild += triggers }
        guard !history.isEmpty else { return config }
        config.history += history.map { line in
            var line = line
            line.created = created
            return line
        }
        return config
    }
}
