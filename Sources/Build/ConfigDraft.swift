internal import OCI

/// A stage's configuration during the build.
///
/// Lists that instructions extend are kept separate from the document until the stage ends. So the cost of an
/// instruction doesn't depend on the number of earlier ones.
struct ConfigDraft: Sendable {
    /// The document without the additions below.
    var document: ImageConfig
    /// Labels of this stage, which override the document's.
    var labels: [String: String] = [:]
    /// Volumes in addition to the document's.
    var volumes: Set<String> = []
    /// Ports in addition to the document's.
    var exposedPorts: Set<String> = []
    /// ONBUILD triggers after the document's.
    var triggers: [String] = []
    /// History after the document's; dates are set when the stage ends.
    var history: [OCI.History] = []

    init(_ document: ImageConfig) { self.document = document }

    /// Returns the whole configuration with these variables; `created` is the time of the added history.
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
