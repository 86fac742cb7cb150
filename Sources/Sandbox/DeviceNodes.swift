// Device nodes that a command makes in a user namespace, where the kernel denies mknod to every process.
//
//     command: mknod /x c 1 3 ──► seccomp filter ──► this process: same checks, mknod in the container's root
//             ◄── 0 or an error ─────────────────────┘
//
// The nodes open no device: every mount of the container except those of /dev's own nodes is "nodev". They are content
// of the image, as with Docker.

internal import CLinux
internal import Glibc
internal import Linux
internal import SystemPackage

/// Makes device nodes for the commands of one container, on a thread of its own, until the container ends.
final class DeviceNodes: Sendable {
    private let listener: OwnedDescriptor
    /// The inode of the user namespace whose root may make nodes.
    private let namespace: UInt64

    private init(_ listener: consuming OwnedDescriptor, namespace: UInt64) {
        self.listener = listener
        self.namespace = namespace
    }

    /// Serves the calls of the process at the other end of `socket`.
    static func serve(from socket: borrowing OwnedDescriptor, of users: PrivateUsers) throws(SystemError) {
        let number = clinux_receive_descriptor(socket.rawValue)
        // A child that failed before it installed its filter sends no listener.
        guard number >= 0 else { return }
        let nodes = DeviceNodes(OwnedDescriptor(owning: number), namespace: try users.namespace.status().inode)
        guard WorkerThread.startIfPossible({ nodes.serve() }) else {
            throw SystemError("start thread", nil, .resourceTemporarilyUnavailable)
        }
    }

    private func serve() {
        var wait = pollfd(fd: listener.rawValue, events: Int16(POLLIN), revents: 0)
        while true {
            guard unsafe poll(&wait, 1, -1) >= 0 || errno == EINTR else { return }
            // The kernel reports POLLHUP when no process with the filter is left.
            if wait.revents & Int16(POLLIN) == 0, wait.revents & Int16(POLLHUP | POLLERR) != 0 { return }
            var call = clinux_call()
            guard unsafe clinux_next_call(listener.rawValue, &call) == 0 else { continue }
            let error = answer(call)
            _ = clinux_answer_call(listener.rawValue, call.id, error)
        }
    }

    /// Makes the node; returns 0 or the errno for the caller.
    private func answer(_ call: clinux_call) -> Int32 {
        guard let wanted = NodeRequest(call) else { return EPERM }
        do throws(SystemError) {
            let process = FilePath("/proc/\(call.process)")
            let caller = try CallerIdentity(process)
            let path = try wanted.path(of: process)
            let root = try OwnedDescriptor(process.appending("root"), [.path, .directory])
            let users = try OwnedDescriptor(process.appending("ns").appending("user")).status().inode
            // The check proves that all of this belongs to the caller: its PID was not reused in the meantime.
            guard clinux_check_call(listener.rawValue, call.id) == 0, caller.mayMakeNodes, users == namespace else {
                return EPERM
            }
            try make(wanted, at: path, for: caller, in: Directory(owning: root, path: "/"))
            return 0
        } catch {
            return error.errno.rawValue
        }
    }

    private func make(
        _ wanted: NodeRequest, at path: FilePath, for caller: CallerIdentity, in root: Directory
    ) throws(SystemError) {
        guard let name = path.lastComponent, name.kind == .regular else {
            throw SystemError("make node", path, .fileExists)
        }
        let parent = try root.directory(path.removingLastComponent())
        guard try parent.descriptor.forbidsDevices() else { throw SystemError("make node", path, .notPermitted) }
        var node = clinux_node(device: wanted.device, uid: caller.uid, gid: caller.gid)
        try system("make node", path) {
            unsafe clinux_make_node(parent.descriptor.rawValue, name.string, wanted.mode & ~caller.mask, &node)
        }
    }
}

/// The arguments of mknod or mknodat.
private struct NodeRequest {
    let directory: Int32
    let address: UInt64
    let mode: UInt32
    let device: UInt32

    /// Nil for calls of other architectures; their commands get the kernel's own error.
    init?(_ call: clinux_call) {
        let arguments = call.arguments
        let table = SeccompArchitecture.all[0].tables[0]
        guard call.architecture == SeccompArchitecture.all[0].identity else { return nil }
        switch UInt32(bitPattern: call.number) {
        case table.number(of: "mknod"):
            (directory, address) = (AT_FDCWD, arguments.0)
            (mode, device) = (UInt32(truncatingIfNeeded: arguments.1), UInt32(truncatingIfNeeded: arguments.2))
        case table.number(of: "mknodat"):
            (directory, address) = (Int32(truncatingIfNeeded: arguments.0), arguments.1)
            (mode, device) = (UInt32(truncatingIfNeeded: arguments.2), UInt32(truncatingIfNeeded: arguments.3))
        default: return nil
        }
    }

    /// The absolute path in the container.
    func path(of process: FilePath) throws(SystemError) -> FilePath {
        let memory = try OwnedDescriptor(process.appending("mem"))
        let bytes = try memory.read(4096, at: Int64(bitPattern: address)).prefix { $0 != 0 }
        guard !bytes.isEmpty, bytes.count < 4096 else { throw SystemError("make node", nil, .fileNameTooLong) }
        let path = FilePath(bytes: bytes)
        guard !path.isAbsolute else { return path }
        let place = directory == AT_FDCWD ? "cwd" : "fd/\(directory)"
        return FilePath(bytes: try Directory(process).target(ofLink: FilePath(place))).pushing(path)
    }
}

/// The identity of a process from /proc/PID/status (proc(5)), with IDs as this process sees them.
private struct CallerIdentity {
    let uid: UInt32
    let gid: UInt32
    let mask: UInt32
    private let capabilities: UInt64

    init(_ process: FilePath) throws(SystemError) {
        let status = try OwnedDescriptor(process.appending("status")).readAll(limit: 1 << 16)
        let text = String(decoding: status, as: UTF8.self)
        var fields: [Substring: [Substring]] = [:]
        for line in text.split(separator: "\n") {
            let parts = line.split(separator: ":", maxSplits: 1)
            if parts.count == 2 { fields[parts[0]] = parts[1].split { $0 == " " || $0 == "\t" } }
        }
        // The fourth ID is the one for file system access.
        guard let users = fields["Uid"], let groups = fields["Gid"], users.count == 4, groups.count == 4,
            let uid = UInt32(users[3]), let gid = UInt32(groups[3]),
            let mask = fields["Umask"]?.first.flatMap({ UInt32($0, radix: 8) }),
            let capabilities = fields["CapEff"]?.first.flatMap({ UInt64($0, radix: 16) })
        else { throw SystemError("read identity of process", nil, .notPermitted) }
        (self.uid, self.gid, self.mask, self.capabilities) = (uid, gid, mask, capabilities)
    }

    /// True with CAP_MKNOD and CAP_DAC_OVERRIDE; the latter because this process looks up paths as root.
    var mayMakeNodes: Bool { capabilities >> 27 & 1 == 1 && capabilities >> 1 & 1 == 1 }
}

extension OwnedDescriptor {
    /// True if device nodes on its mount open nothing.
    fileprivate func forbidsDevices() throws(SystemError) -> Bool {
        var information = statvfs()
        try system("get flags of file system") { unsafe fstatvfs(rawValue, &information) }
        return information.f_flag & 4 != 0  // ST_NODEV
    }
}
