// What the parent has made for a child before it clones it.

internal import CLinux
internal import Linux
internal import SystemPackage

/// Mounts, groups and namespaces of one container, held until the child has them.
struct Surroundings: ~Copyable {
    /// The root file system's mount.
    let root: Mount
    /// A directory of the host where the child may attach mounts for itself.
    let place: FilePath
    let attachments: PreparedAttachments
    let host: HostMounts
    let devices: PreparedDevices
    let group: ControlGroup?
    /// The system calls that it may make, where that is limited.
    let filter: SeccompFilter?
    /// The network that it enters, where that is neither the host's nor an empty one.
    let network: IsolatedNetwork?
    /// The terminal that controls its session.
    let terminal: PseudoTerminal?

    init(_ command: Command, _ overlay: Overlay, _ terminal: PseudoTerminal?) throws {
        let reachesHost = command.hosts.contains { $0.address == HostEntry.gateway }
        let host = try HostMounts(command)
        let root = try overlay.mount(attributes: command.isPrivileged ? [] : .noDevices)
        let attachments = try PreparedAttachments(command)
        let devices = try PreparedDevices(command)
        let group = try ControlGroup(for: command)
        let network = command.network == .isolated ? try SpareNetwork.take(reachesHost: reachesHost) : nil
        self.root = root
        (self.attachments, self.devices, self.group, self.network) = (attachments, devices, group, network)
        (place, filter, self.host, self.terminal) = (overlay.work, command.filter, host, terminal)
    }

    /// Starts the command.
    func launch(
        _ command: Command, _ streams: (input: Int32, output: Int32, error: Int32)
    ) throws(SystemError) -> Launched {
        var launch = Launch(command, streams: streams, namespaces: namespaces(for: command))
        launch.group = group?.unified ?? -1
        var script = Script()
        script.isolate(command, self)
        return try script.launch(launch)
    }

    /// The namespaces that the child is born into.
    private func namespaces(for command: Command) -> UInt64 {
        var isolated = [clinux_new_mounts, clinux_new_uts, clinux_new_ipc, clinux_new_pid]
        // A child that enters its groups itself leaves the parent's view of them afterwards.
        if !entersGroups { isolated.append(clinux_new_cgroup) }
        if command.network == .none { isolated.append(clinux_new_network) }
        return isolated.reduce(0) { $0 | UInt64($1) }
    }

    /// Whether the child has to enter groups by itself.
    var entersGroups: Bool { group?.lists.isEmpty == false }
}

/// The host's device nodes that a container has in /dev.
///
/// They are mounts of the host's own nodes, the only places of the container where the kernel takes a device for one:
/// so root in a container may make any node, as some builds do, and reach no device by it.
final class PreparedDevices {
    private static let names = ["null", "zero", "full", "random", "urandom", "tty"]
    private(set) var mounts: [(descriptor: Int32, target: String)] = []
    private(set) var nodes: [HostNode] = []

    init(_ command: Command) throws(SystemError) {
        // In a user namespace nobody may make nodes, whatever else is allowed.
        let isInitial = try IDMap.current().isInitial
        if command.isPrivileged, isInitial {
            nodes = try HostNode.all()
        } else {
            for name in Self.names {
                let path = FilePath("/dev/\(name)")
                mounts.append((try Mount.bind(path, recursive: false).release(), path.string))
            }
        }
    }

    deinit {
        for mount in mounts { _ = OwnedDescriptor(owning: mount.descriptor) }
    }
}

/// A directory or device node of the host's /dev.
struct HostNode {
    let path: String
    let status: FileStatus

    /// All of them, each directory before what is in it; the container has its own terminals, queues and shared memory.
    static func all() throws(SystemError) -> [HostNode] {
        var result: [HostNode] = []
        var directories = [FilePath("/dev")]
        while let directory = directories.popLast() {
            let open = try Directory(directory)
            for entry in try open.entries() {
                let path = directory.appending(String(decoding: entry.name, as: UTF8.self))
                guard !["/dev/pts", "/dev/shm", "/dev/mqueue", "/dev/console", "/dev/ptmx"].contains(path.string),
                    let status = try found(FilePath(bytes: entry.name), in: open)
                else { continue }
                switch status.type {
                case .directory: directories.append(path)
                case .characterDevice, .blockDevice: break
                default: continue
                }
                result.append(HostNode(path: path.string, status: status))
            }
        }
        return result.sorted { $0.path < $1.path }
    }

    /// Devices come and go: one that went meanwhile is nil.
    private static func found(_ name: FilePath, in directory: Directory) throws(SystemError) -> FileStatus? {
        do throws(SystemError) {
            return try directory.status(of: name)
        } catch {
            guard error.errno == .noSuchFileOrDirectory else { throw error }
            return nil
        }
    }
}
