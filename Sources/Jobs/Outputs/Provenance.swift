internal import Build
internal import Linux
internal import OCI

/// The provenance of one image, in the fields of BuildKit (SLSA provenance, version 1 or 0.2).
///
/// The mode `min` has no build argument, no label and no name of a secret; no mode has a secret's value, or the user, the
/// password or the query of an address. There is no random identifier. The times of the build are left out if
/// SOURCE_DATE_EPOCH is set, so that the same build has the same digest.
struct Provenance {
    let request: AttestationRequest.Provenance
    let inputs: BuildInputs
    let parameters: BuildParameters
    /// The name and version of this program.
    let tool: String
    /// True if the times of the build are stated.
    let hasTimes: Bool

    /// The predicate's type.
    var type: String { request.isCurrent ? Attestation.provenance : Attestation.oldProvenance }

    /// The predicate.
    var predicate: JSON { request.isCurrent ? current : old }

    private var current: JSON {
        .object([
            "buildDefinition": .object([
                "buildType": "https://github.com/moby/buildkit/blob/master/docs/attestations/slsa-definitions.md",
                "externalParameters": .object(["configSource": source(path: "path"), "request": arguments]),
                "internalParameters": .strings(["builderPlatform": "\(Platform.host)"]),
                "resolvedDependencies": materials,
            ]),
            "runDetails": .object([
                "builder": .object(["id": .string(request.builderID), "version": .strings(["thaw": tool])]),
                "metadata": .object(
                    [
                        "buildkit_hermetic": .bool(isHermetic), "buildkit_metadata": metadata,
                        "buildkit_reproducible": .bool(request.isReproducible),
                        "buildkit_completeness": .object([
                            "request": .bool(isRequestComplete), "resolvedDependencies": .bool(inputs.locals.isEmpty),
                        ]),
                    ].merging(times("startedOn", "finishedOn")) { $1 }),
            ]),
        ])
    }

    private var old: JSON {
        let completeness = JSON.object([
            "parameters": .bool(isRequestComplete), "environment": true, "materials": .bool(inputs.locals.isEmpty),
        ])
        return .object([
            "builder": .strings(["id": request.builderID]), "buildType": "https://mobyproject.org/buildkit@v1",
            "materials": materials,
            "invocation": .object([
                "configSource": source(path: "entryPoint"), "parameters": arguments,
                "environment": .strings(["platform": "\(Platform.host)"]),
            ]),
            "metadata": .object(
                [
                    "completeness": completeness, "reproducible": .bool(request.isReproducible),
                    "https://mobyproject.org/buildkit@v1#hermetic": .bool(isHermetic),
                    "https://mobyproject.org/buildkit@v1#metadata": metadata,
                ].merging(times("buildStartedOn", "buildFinishedOn")) { $1 }),
        ])
    }
}

// MARK: - Parts

extension Provenance {
    private var isHermetic: Bool { inputs.locals.isEmpty && !inputs.usesNetwork }

    /// True if nothing was left out of the arguments.
    private var isRequestComplete: Bool { request.isDetailed || parameters.hidden.isEmpty }

    private var materials: JSON {
        .array(
            inputs.materials.map { material in
                .object(["uri": .string(material.uri), "digest": .strings([material.algorithm: material.digest])])
            })
    }

    private func source(path: String) -> JSON {
        var source = JSON.strings([path: inputs.dockerfileName])
        guard let uri = inputs.contextURI else { return source }
        source["uri"] = .string(uri)
        if let found = inputs.materials.first(where: { $0.uri == uri }) {
            source["digest"] = .strings([found.algorithm: found.digest])
        }
        return source
    }

    private var arguments: JSON {
        var values = parameters.open
        for (name, address) in inputs.contexts { values["context:\(name)"] = address }
        if request.isDetailed { values.merge(parameters.hidden) { $1 } }
        var json = JSON.object([
            "frontend": "dockerfile.v0", "args": .strings(values),
            "locals": .array(inputs.locals.map { .strings(["name": $0]) }),
        ])
        guard request.isDetailed else { return json }
        json["secrets"] = Self.list(inputs.secrets)
        json["ssh"] = Self.list(inputs.agents)
        return json
    }

    private static func list(_ credentials: [BuildInputs.UsedCredential]) -> JSON? {
        if credentials.isEmpty { return nil }
        return .array(
            credentials.map { .object(["id": .string($0.id), "optional": .bool(!$0.isRequired)]) })
    }

    private var metadata: JSON {
        guard request.isDetailed else { return .object([:]) }
        let file = JSON.object([
            "filename": .string(inputs.dockerfileName), "language": "Dockerfile", "data": .base64(inputs.dockerfile),
        ])
        return .object(["source": .object(["infos": .array([file])])])
    }

    private func times(_ start: JSON.Key, _ end: JSON.Key) -> [JSON.Key: JSON] {
        guard hasTimes else { return [:] }
        return [
            start: .string(RFC3339.text(inputs.startedOn)), end: .string(RFC3339.text(inputs.finishedOn)),
        ]
    }
}
