public import ArgumentParser
public import Build
import Jobs
public import OCI
public import Sandbox

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

    /// Returns the values of the options.
    var settings: RunSettings {
        var all = RunSettings()
        (all.secrets, all.agents, all.entitlements, all.network) = (secret, ssh, allow, network)
        (all.hosts, all.ulimits, all.sharedMemory, all.resources) = (addHost, ulimit, shmSize, resource)
        (all.isolation, all.comparison, all.users) = (isolation.isolation, snapshot, userns)
        all.runtime = ociRuntime
        return all
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
