// The mounts, groups and namespaces of a container, made by the parent before the clone.

internal import CLinux
internal import Linux
internal import SystemPackage

/// Mounts, groups and namespaces of one container, held until the child uses them.
struct ContainerResources: ~Copyable {
    /// The mount of the root file system.
    let root: Mount
    let users: ContainerUsers
    let attachments: PreparedAttachments
    let host: HostMounts
    let devices: PreparedDevices
    let group: ControlGroup?
    /// The filter of its system calls; nil for no limit.
    let filter: SeccompFilter?
    /// The network that it enters; nil for the host's or an empty one.
    let network: IsolatedNetwork?
    /// The terminal that controls its session.
    let terminal: PseudoTerminal?

    init(_ command: Command, overlay: Overlay, terminal: PseudoTerminal?) throws {
        let reachesHost = command.hosts.contains { $0.address == HostEntry.gateway }
        let users = try command.containerUsers(on: overlay)
        let host = try HostMounts(command, users)
        let root = try overlay.mount(for: users, attributes: command.isPrivileged ? [] : .noDevices)
        let attachments = try PreparedAttachments(command, users)
        let devices = try PreparedDevices(command, users)
        let group = try ControlGroup(for: command)
        let network = command.network == .isolated ? try PreparedNetwork.take(users, reachesHost: reachesHost) : nil
        self.root = root
        (self.attachments, self.devices, self.group, self.network) = (attachments, devices, group, network)
        (self.users, filter, self.host, self.terminal) = (users, command.filter(for: users), host, terminal)
    }

    /// Starts the command.
    func launch(
        _ command: Command, _ streams: (input: Int32, output: Int32, error: Int32)
    ) throws -> Launched {
        var launch = Launch(command, streams: streams, namespaces: namespaces(for: command))
        launch.group = group?.unified ?? -1
        var ends: [Int32] = [-1, -1]
        try system("make sockets") { unsafe clinux_socket_pair(&ends) }
        let listening = OwnedDescriptor(owning: ends[0])
        let sending = OwnedDescriptor(owning: ends[1])
        var script = SetupScript()
        script.isolate(command, self, listener: sending.rawValue)
        let launched = try script.launch(launch)
        if case .range(let range, _) = users { try DeviceNodes.serve(from: listening, of: range) }
        return launched
    }

    /// Returns the new namespaces of the child.
    private func namespaces(for command: Command) -> UInt64 {
        var isolated = [clinux_new_mounts, clinux_new_uts, clinux_new_ipc, clinux_new_pid, clinux_new_cgroup]
        if command.network == .none { isolated.append(clinux_new_network) }
        return isolated.reduce(0) { $0 | UInt64($1) }
    }

    /// True if the outer child enters groups itself.
    var entersGroups: Bool { group?.lists.isEmpty == false }
}

/// The device nodes of a container's /dev.
///
/// Root makes new nodes in the container's own tmpfs, so no command can change the mode, owner or times of a host node.
/// In a user namespace no node can be made; then the host's nodes are shown read-only. Each node is a mount of its own,
/// and the kernel opens devices of the container only on these mounts. So a node that the command makes opens nothing.
final class PreparedDevices {
    /// A node and the mount that shows it.
    struct DeviceNode {
        let descriptor: Int32
        let target: String
        /// True if the child clones the mount from a file in ``memory``.
        let isCloned: Bool
    }

    private static let names = ["null", "zero", "full", "random", "urandom", "tty"]
    /// The tmpfs with the new nodes and the empty file.
    let memory: Directory
    /// Mounts of an empty file, one for each path to hide.
    private(set) var masks: [DeviceNode] = []
    private(set) var mounts: [DeviceNode] = []
    private(set) var nodes: [HostNode] = []

    init(_ command: Command, _ users: ContainerUsers) throws(SystemError) {
        let made = try Mount.make("tmpfs", options: [("mode", "755"), ("size", "1m")])
        memory = Directory(owning: OwnedDescriptor(owning: made.release()), path: "/dev")
        try memory.open("empty", [.write, .create, .exclusive], mode: 0o444).close()
        if !command.isPrivileged {
            // /sys/fs/cgroup is empty in a new /sys, but not in the host's.
            for path in MaskedPaths.masked + (try users.ids().isInitial ? [] : ["/sys/fs/cgroup"]) {
                let empty = try memory.open("empty", .path).release()
                masks.append(DeviceNode(descriptor: empty, target: path, isCloned: true))
            }
        }
        let isInitial = try IDMap.current().isInitial
        if command.isPrivileged, isInitial {
            nodes = try HostNode.all()
        } else {
            for name in Self.names { mounts.append(try node(FilePath(name), users, isNew: isInitial)) }
        }
    }

    private func node(_ name: FilePath, _ users: ContainerUsers, isNew: Bool) throws(SystemError) -> DeviceNode {
        let path = FilePath("/dev").appending(name.components)
        guard isNew else {
            let mount = try Mount.bind(path, attributes: .readOnly, recursive: false)
            return DeviceNode(descriptor: mount.release(), target: path.string, isCloned: false)
        }
        let status = try OwnedDescriptor(path, .path).status()
        try memory.makeNode(
            name, type: .characterDevice, mode: 0o666, major: status.major, minor: status.minor)
        try memory.setOwner(of: name, uid: users.outside(0), gid: users.outside(0))
        try memory.setMode(of: name, 0o666)
        return DeviceNode(descriptor: try memory.open(name, .path).release(), target: path.string, isCloned: true)
    }

    deinit {
        for node in mounts + masks { _ = OwnedDescriptor(owning: node.descriptor) }
    }
}

/// A directory or device node of the host's /dev.
struct HostNode {
    let path: String
    let status: FileStatus

    /// Returns all nodes, each directory before its content.
    ///
    /// The container has its own terminals, queues and shared memory.
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

    /// Returns a node's status; nil if the device was removed in the meantime.
    private static func found(_ name: FilePath, in directory: Directory) throws(SystemError) -> FileStatus? {
        do throws(SystemError) {
            return try directory.status(of: name)
        } catch {
            guard error.errno == .noSuchFileOrDirectory else { throw error }
            return nil
        }
    }
}
