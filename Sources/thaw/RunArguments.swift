public import ArgumentParser
import Build
import Jobs
import Linux
import OCI
import Sandbox
import SystemPackage

/// The options for RUN: secrets, networks, limits and isolation.
struct RunArguments: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Secret to expose to the build: id=NAME,src=FILE or id=NAME,env=VARIABLE. Can be repeated.",
            valueName: "secret"))
    var secret: [String] = []

    @Option(
        help: ArgumentHelp(
            "SSH agent socket or keys to expose to the build: default, ID=SOCKET or ID=KEY,KEY. Can be repeated.",
            valueName: "agent"))
    var ssh: [String] = []

    @Option(help: ArgumentHelp("Allow an extra privileged entitlement. Can be repeated.", valueName: "entitlement"))
    var allow: [BuildRequest.Entitlement] = []

    @Option(help: "Network of RUN: default (private, through Debian's passt; none without it), none or host.")
    var network: BuildRequest.Network = .default

    @Option(help: ArgumentHelp("Add a custom host-to-IP mapping for RUN. Can be repeated.", valueName: "host:ip"))
    var addHost: [String] = []

    @Option(
        help: ArgumentHelp("Ulimit option of RUN, such as nofile=1024:2048. Can be repeated.", valueName: "ulimit"))
    var ulimit: [String] = []

    @Option(help: ArgumentHelp("Shared memory size (/dev/shm) of RUN. (default: 64m)", valueName: "size"))
    var shmSize: String?

    @Option(
        help: ArgumentHelp(
            "Limit of RUN, such as memory=512m, pids=500, cpus=1.5 or timeout=10m. Can be repeated.",
            valueName: "name=value"))
    var resource: [String] = []

    @Option(
        help: ArgumentHelp(
            "Isolation of RUN: auto (the strongest that works), namespaces, userns (with one user) or chroot.",
            valueName: "mode"))
    var isolation: IsolationChoice = .auto

    @Option(
        help: ArgumentHelp(
            "Detection of files that RUN changed with chroot isolation: by marks (times, size, inode) or content.",
            valueName: "method"))
    var snapshot: RootChanges.Method = .marks

    @Option(
        help: ArgumentHelp(
            "User namespace of RUN: private (a range of user and group numbers of its own) or host.",
            valueName: "mode"))
    var userns = Users.separate

    @Option(help: ArgumentHelp("Run commands with this crun or runc instead of Thaw's own sandbox.", valueName: "path"))
    var ociRuntime: String?

    /// Adds the options to a request.
    func apply(to request: inout BuildRequest) throws {
        request.network = network
        request.run.users = userns
        request.entitlements = Set(allow)
        for text in secret {
            let (id, secret) = try Self.secret(text)
            request.secrets[id] = secret
        }
        for text in ssh {
            let (id, agent) = try Self.agent(text)
            request.agents[id] = agent
        }
        do {
            request.run.hosts = try addHost.map { try HostEntry(parsing: $0) }
            request.run.limits = try ulimit.map { try Limit(parsing: $0) }
        } catch {
            throw Failure("\(error)", status: .usage)
        }
        request.run.isolation = isolation.isolation
        request.run.comparison = snapshot
        request.run.sharedMemorySize = try shmSize.map { Int(try size($0, "--shm-size")) }
        if let ociRuntime {
            guard fileExists(FilePath(ociRuntime)) else {
                throw Failure("--oci-runtime '\(ociRuntime)' does not exist", status: .usage)
            }
            request.run.runtime = OCIRuntime(FilePath(ociRuntime))
        }
        for text in resource { try Self.apply(text, to: &request.run) }
        try RunLimit.expectConsistent(request.run)
    }

    private static func apply(_ resource: String, to options: inout BuildRequest.RunOptions) throws {
        let parts = resource.split(separator: "=", maxSplits: 1).map(String.init)
        guard parts.count == 2, let limit = RunLimit(rawValue: parts[0]) else {
            let names = RunLimit.allCases.map(\.rawValue).joined(separator: ", ")
            throw Failure("--resource '\(resource)' is not NAME=VALUE with one of the names \(names)", status: .usage)
        }
        try limit.apply(parts[1], from: "--resource \(parts[0])", to: &options)
    }

    /// Parses `id=NAME[,src=FILE|,env=VARIABLE][,type=file|env]`.
    ///
    /// Without source and type, NAME is an environment variable if there is one of that name, else a file.
    private static func secret(_ text: String) throws -> (String, Secret) {
        var fields: [String: String] = [:]
        for field in try CSV.fields(text, "--secret") {
            let parts = field.split(separator: "=", maxSplits: 1).map(String.init)
            let known = ["id": "id", "src": "src", "source": "src", "env": "env", "type": "type"]
            guard parts.count == 2, let key = known[parts[0].lowercased()] else {
                throw Failure("--secret '\(text)': '\(field)' is not id=, src=, env= or type=", status: .usage)
            }
            fields[key] = parts[1]
        }
        guard let id = fields["id"] else { throw Failure("--secret '\(text)' has no id=", status: .usage) }
        switch (fields["type"], fields["env"], fields["src"]) {
        case (_, let variable?, _), ("env", nil, let variable?): return (id, .environment(variable))
        case ("env", nil, nil): return (id, .environment(id))
        case (nil, nil, nil) where Environment[id] != nil: return (id, .environment(id))
        case (nil, _, let file), ("file", _, let file):
            guard fileExists(FilePath(file ?? id)) else {
                throw Failure("--secret '\(text)': there is no file '\(file ?? id)'", status: .usage)
            }
            return (id, .file(file ?? id))
        case (let type?, _, _): throw Failure("--secret '\(text)': type '\(type)' is not file or env", status: .usage)
        }
    }

    private static func agent(_ text: String) throws -> (String, SSHAgent) {
        let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        let id = parts[0]
        guard !parts.contains("") else {
            throw Failure("--ssh '\(text)' is not ID, ID=SOCKET or ID=KEY", status: .usage)
        }
        guard let places = parts.count > 1 ? parts[1] : Environment["SSH_AUTH_SOCK"] else {
            throw Failure(
                "--ssh \(id): SSH_AUTH_SOCK is not set", remedy: "start an agent: eval $(ssh-agent); ssh-add",
                status: .usage)
        }
        let files = places.split(separator: ",").map(String.init)
        if let missing = files.first(where: { !fileExists(FilePath($0)) }) {
            throw Failure("--ssh '\(text)': there is no file '\(missing)'", status: .usage)
        }
        let kinds = try files.map { try OwnedDescriptor(FilePath($0), .path).status().type }
        if files.count == 1, kinds[0] == .socket { return (id, .socket(files[0])) }
        guard !kinds.contains(.socket) else {
            throw Failure("--ssh '\(text)' is neither one socket nor only key files", status: .usage)
        }
        return (id, .keys(files))
    }
}

/// The value of `--isolation`.
enum IsolationChoice: String, CaseIterable, ExpressibleByArgument {
    case auto, namespaces, userns, chroot

    /// The isolation; nil for the strongest that works.
    var isolation: Isolation? { Isolation(rawValue: rawValue) }
}

extension RootChanges.Method: ExpressibleByArgument {}
extension BuildRequest.Entitlement: ExpressibleByArgument {}
extension BuildRequest.Network: ExpressibleByArgument {}
extension Users: ExpressibleByArgument {}

/// Parses a size such as `64m`, `1.5g` or `65536`, in bytes.
func size(_ text: String, _ option: String) throws -> Int64 {
    let units: [Character: Double] = ["b": 1, "k": 1024, "m": 1_048_576, "g": 1_073_741_824, "t": 1_099_511_627_776]
    var digits = text.lowercased()[...]
    if digits.hasSuffix("ib") || digits.hasSuffix("b"), digits.count > 1 {
        digits = digits.dropLast(digits.hasSuffix("ib") ? 2 : 1)
    }
    let unit = digits.last.flatMap { units[$0] }
    if unit != nil { digits = digits.dropLast() }
    guard let number = Double(digits), number >= 0, let bytes = Int64(exactly: (number * (unit ?? 1)).rounded()) else {
        throw Failure("\(option) '\(text)' is not a size such as 64m or 2g", status: .usage)
    }
    return bytes
}
