internal import Frontend
internal import OCI
internal import Synchronization

/// The sources of a build, as its provenance states them; without any user, password or query of an address.
public struct BuildInputs: Sendable {
    /// A source from elsewhere, identified by a digest.
    public struct Material: Sendable, Hashable {
        /// The kind of a source, in the order of a provenance.
        enum Kind: Int, Sendable {
            case image, git, web
        }

        let kind: Kind
        /// The address, of an image as package URL.
        public let uri: String
        /// The algorithm of the digest: `sha256`, or `sha1` for a commit.
        public let algorithm: String
        /// The digest in hexadecimal digits.
        public let digest: String
    }

    /// A secret or an SSH agent that a RUN mounts.
    public struct UsedCredential: Sendable, Hashable {
        /// The name on the command line.
        public let id: String
        /// True if the build fails without it.
        public let isRequired: Bool
    }

    /// The images, repositories and files from elsewhere, sorted.
    public let materials: [Material]
    /// The sources on this machine: `context`, `dockerfile`, and the names of others.
    public let locals: [String]
    /// The address of a build context that is not on this machine.
    public let contextURI: String?
    /// The addresses of named contexts that are not directories.
    public let contexts: [String: String]
    /// The base name of the Dockerfile.
    public let dockerfileName: String
    /// The Dockerfile.
    public let dockerfile: [UInt8]
    /// The secrets.
    public let secrets: [UsedCredential]
    /// The SSH agents.
    public let agents: [UsedCredential]
    /// True if a step could read from the network; such a step may depend on more than the materials.
    public let usesNetwork: Bool
    /// The beginning of the build, in seconds since 1970.
    public let startedOn: Int64
    /// The end of the build, in seconds since 1970.
    public let finishedOn: Int64
}

extension Builder {
    /// Returns the inputs of a finished build.
    func inputs(
        of plan: BuildPlan, _ text: [UInt8], _ shared: BuildState, hasTriggers: Bool, startedOn: Int64
    ) -> BuildInputs {
        // An error in a credential's flag was reported by its RUN.
        let outline = try? plan.dockerfile.outline(target: request.target, plan.scope.arguments)
        let credential = { (found: Outline.CredentialMount) in
            BuildInputs.UsedCredential(id: found.id, isRequired: found.isRequired)
        }
        return BuildInputs(
            materials: shared.inputs.materials.sorted { ($0.kind.rawValue, $0.uri) < ($1.kind.rawValue, $1.uri) },
            locals: shared.inputs.locals.sorted(), contextURI: request.context?.address,
            contexts: request.contexts.compactMapValues(\.address), dockerfileName: plan.dockerfile.name,
            dockerfile: text, secrets: (outline?.secrets ?? []).map(credential),
            agents: (outline?.agents ?? []).map(credential), usesNetwork: hasTriggers || usesNetwork(plan),
            startedOn: startedOn, finishedOn: RFC3339.now)
    }

    private func usesNetwork(_ plan: BuildPlan) -> Bool {
        plan.stages.flatMap { plan.dockerfile.stages[$0].instructions }.contains { instruction in
            guard case .run(let run) = instruction.value else { return false }
            return (run.network.map { $0 != .none } ?? (request.network != .none))
        }
    }
}

extension ContextLocation {
    /// The address for a provenance; nil for a directory of this machine, and for standard input.
    fileprivate var address: String? {
        switch self {
        case .directory, .standardInput: nil
        case .git(let location): location.identity
        case .web(let address): SourceAddress.identity(address)
        case .image(let reference): "docker-image://\(reference)"
        case .scratch: "docker-image://scratch"
        case .layout(_, let name): "oci-layout://" + (name ?? "")
        case .stage(let name): "target:\(name)"
        }
    }
}

extension GitLocation {
    /// The address without what may be secret: the remote, the ref and the directory.
    var identity: String {
        let place = (ref ?? "") + (subdirectory.isEmpty ? "" : ":\(subdirectory)")
        return SourceAddress.identity(remote) + (place.isEmpty ? "" : "#\(place)")
    }
}

extension SourceAddress {
    /// Returns the address without what may be secret: user, password, query and fragment.
    static func identity(_ text: String) -> String {
        guard let address = SourceAddress(text) else { return text }
        return "\(address.scheme)://\(address.host)\(address.path)"
    }
}

extension BuildInputs.Material {
    /// An image of a registry or of the store.
    init(_ image: Image, named name: Reference) {
        self.init(image, uri: "\(name.packageURL(for: image.config.platform))")
    }

    /// An image of a layout, whose directory other machines don't have.
    init(_ image: Image, inLayout name: String) {
        let digest = image.descriptor.digest
        let url = PackageURL(
            "oci", path: [name], version: "",
            qualifiers: [("digest", "\(digest)"), ("platform", "\(image.config.platform)")])
        self.init(image, uri: "\(url)")
    }

    private init(_ image: Image, uri: String) {
        self.init(kind: .image, uri: uri, algorithm: "sha256", digest: image.descriptor.digest.hex)
    }

    /// A commit of a repository.
    init(_ location: GitLocation, commit: String) {
        self.init(
            kind: .git, uri: location.identity, algorithm: commit.utf8.count == 64 ? "sha256" : "sha1", digest: commit)
    }

    /// A file on the web.
    init(web address: String, _ digest: Digest) {
        self.init(kind: .web, uri: SourceAddress.identity(address), algorithm: "sha256", digest: digest.hex)
    }
}

/// The inputs that a build has read until now; safe for several stages at once.
final class InputLog: Sendable {
    private let found = Mutex<(materials: Set<BuildInputs.Material>, locals: Set<String>)>(([], []))

    var materials: Set<BuildInputs.Material> { found.withLock { $0.materials } }
    var locals: Set<String> { found.withLock { $0.locals } }

    /// Adds a source from elsewhere.
    func add(_ material: BuildInputs.Material) { found.withLock { _ = $0.materials.insert(material) } }

    /// Adds a source of this machine by its name.
    func add(local name: String) { found.withLock { _ = $0.locals.insert(name) } }
}
