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
    var network: BuildRequest.RunNetwork = .default

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
    var snapshot: RootChanges.ChangeDetection = .marks

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
            let (id, secret) = try Secret.parse(text)
            request.secrets[id] = secret
        }
        for text in ssh {
            let (id, agent) = try SSHAgent.parse(text)
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
        for text in resource { try RunLimit.apply(resource: text, to: &request.run) }
        try RunLimit.expectConsistent(request.run)
    }
}

/// The value of `--isolation`.
enum IsolationChoice: String, CaseIterable, ExpressibleByArgument {
    case auto, namespaces, userns, chroot

    /// The isolation; nil for the strongest that works.
    var isolation: Isolation? { Isolation(rawValue: rawValue) }
}

extension RootChanges.ChangeDetection: ExpressibleByArgument {}
extension BuildRequest.Entitlement: ExpressibleByArgument {}
extension BuildRequest.RunNetwork: ExpressibleByArgument {}
extension Users: ExpressibleByArgument {}
