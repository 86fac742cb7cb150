// Commands run by another OCI runtime, such as crun or runc.
//
//     this process ── clone ──► the runtime, PID 1 of a namespace ──► the container in it
//                               its own mounts: PLACE/config.json, rootfs, mounts/N, state
//
// Everything that the runtime makes is in namespaces that end with it. So there is nothing to delete, even if the
// command is cancelled or this process is killed. Only runc makes control groups, which are removed by name.

internal import CLinux
internal import Glibc
internal import Linux
public import SystemPackage

/// A program that runs OCI bundles.
public struct OCIRuntime: Sendable, Hashable {
    /// The program.
    public let program: FilePath

    /// A runtime by its path.
    public init(_ program: FilePath) {
        self.program = program
    }

    /// True if it has an option to use no control groups, as crun does.
    ///
    /// Then thaw's own groups enforce the limits. /sys/fs/cgroup is hidden from crun, since it refuses hosts that have
    /// both versions.
    private var leavesGroupsAlone: Bool { program.lastComponent?.string.contains("crun") == true }

    /// Starts `command` on the root file system `overlay`.
    func launch(
        _ command: Command, overlay: Overlay, streams: (input: Int32, output: Int32, error: Int32)
    ) throws -> RuntimeLaunch {
        var command = command
        // Only the runtime's device group would keep root from opening the nodes that it makes.
        if leavesGroupsAlone, !command.isPrivileged { command.capabilities.remove(.makeNodes) }
        let bundle = try Bundle(command, overlay)
        let name = "thaw.\(getpid()).\(String(UInt64.random(in: 0 ... .max), radix: 16))"
        try bundle.write(command, group: "/\(name)", keepsLimits: !leavesGroupsAlone)
        var script = SetupScript()
        bundle.prepare(&script, command, hidesGroups: leavesGroupsAlone)
        // The count of out-of-memory kills is in the runtime's own group.
        let keepsGroups = !leavesGroupsAlone && command.memoryLimit != nil && canKeepGroups
        let words =
            [program.string, "--root", bundle.place.appending("state").string]
            + (leavesGroupsAlone ? ["--cgroup-manager=disabled"] : [])
            + ["run"] + (keepsGroups ? ["--keep"] : []) + ["--bundle", bundle.place.string, name]
        let launch = Launch(
            arguments: words, environment: ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"],
            namespaces: UInt64(clinux_new_mounts) | UInt64(clinux_new_pid), streams: streams,
            group: bundle.group?.unified ?? -1)
        let launched: Launched
        do {
            launched = try script.launch(launch)
        } catch let failure as LaunchFailure {
            throw LaunchFailure(isCommand: failure.isCommand, error: failure.error, stubs: bundle.stubs)
        }
        return RuntimeLaunch(launched: launched, bundle: bundle, groupName: leavesGroupsAlone ? nil : name)
    }
}

/// The result of a launch by a runtime.
struct RuntimeLaunch: ~Copyable {
    let launched: Launched
    let bundle: Bundle
    /// The name of control groups that the runtime may leave behind.
    let groupName: String?
}

/// A bundle: a tmpfs with the configuration, and the mounts in it.
final class Bundle {
    /// The path of the bundle for the runtime.
    let place: FilePath
    let group: ControlGroup?
    let network: IsolatedNetwork?
    private(set) var stubs: [Stub] = []
    private let memory: Directory
    private let attachments: PreparedAttachments
    private let root: Directory
    private let limits: [Limit]

    init(_ command: Command, _ overlay: Overlay) throws {
        let reachesHost = command.hosts.contains { $0.address == HostEntry.gateway }
        let mount = try overlay.mount(for: .own, attributes: command.isPrivileged ? [] : .noDevices)
        place = overlay.work
        root = Directory(owning: OwnedDescriptor(owning: mount.release()), path: overlay.upper)
        attachments = try PreparedAttachments(command, .own)
        group = try ControlGroup(for: command)
        network = command.network == .isolated ? try PreparedNetwork.take(.own, reachesHost: reachesHost) : nil
        limits = command.limitsWithoutGroup
        memory = Directory(
            owning: OwnedDescriptor(owning: try Mount.make("tmpfs", options: [("size", "16m")]).release()), path: place)
        try makeMountPoints(command)
    }

    /// Makes the mount points in the bundle and in the root; otherwise the runtime would make them and leave them.
    private func makeMountPoints(_ command: Command) throws {
        for name in ["rootfs", "mounts", "state"] { try memory.makeDirectory(FilePath(name)) }
        try memory.open("network", [.write, .create]).close()
        for name in ["/proc", "/sys", "/dev"] { stubs += try root.makeStubs(FilePath(name), isDirectory: true) }
        for (index, entry) in attachments.entries.enumerated() {
            let name = FilePath("mounts/\(index)")
            if entry.isDirectory {
                try memory.makeDirectory(name)
            } else {
                try memory.open(name, [.write, .create]).close()
            }
            if !entry.target.starts(with: "/dev") {
                stubs += try root.makeStubs(entry.target, isDirectory: entry.isDirectory)
            }
        }
        try root.makeOwned(command.workingDirectory, command.account)
    }

    /// Writes the configuration.
    ///
    /// - Parameter keepsLimits: True if the runtime moves the command out of thaw's groups into its own.
    func write(_ command: Command, group: String, keepsLimits: Bool) throws {
        let targets = attachments.entries.enumerated().map { index, entry in
            (source: place.appending("mounts").appending("\(index)"), target: entry.target)
        }
        let configuration = OCIConfiguration(
            command: command, attachments: targets, network: network == nil ? nil : place.appending("network"),
            group: group, limits: limits, groupControllers: keepsLimits ? Set(CgroupParent.all.keys) : [])
        let file = try memory.open("config.json", [.write, .create])
        try file.write(configuration.document.bytes)
    }

    /// Adds the steps of the child before it executes the runtime.
    func prepare(_ script: inout SetupScript, _ command: Command, hidesGroups: Bool) {
        for list in group?.lists ?? [] {
            script.add(clinux_step_join_group, operation: "enter control group", descriptor: list)
        }
        script.limitCPUs(command.cpus)
        script.beginInner()
        script.add(clinux_step_isolate_mounts, operation: "make mounts private", path: "/")
        script.add(clinux_step_mount, operation: "mount proc", path: "/proc", source: "proc", type: "proc")
        if hidesGroups {
            script.add(
                clinux_step_mount, operation: "hide control groups", path: "/sys/fs/cgroup", source: "tmpfs",
                type: "tmpfs")
        }
        script.makeAttachments(attachments, place.string)
        let attach = { (script: inout SetupScript, name: String, descriptor: Int32) in
            script.add(
                clinux_step_attach, operation: "mount", path: self.place.appending(name).string, descriptor: descriptor)
        }
        script.add(clinux_step_attach, operation: "mount", path: place.string, descriptor: memory.descriptor.rawValue)
        attach(&script, "rootfs", root.descriptor.rawValue)
        for (index, entry) in attachments.entries.enumerated() { attach(&script, "mounts/\(index)", entry.descriptor) }
        if let namespace = network?.namespace.rawValue {
            script.add(
                clinux_step_mount, operation: "show network", path: place.appending("network").string,
                source: "/proc/self/fd/\(namespace)", descriptor: namespace, flags: UInt64(MS_BIND))
        }
    }
}

extension Command {
    /// The limits, with setrlimit's replacements for those that no control group enforces here.
    var limitsWithoutGroup: [Limit] {
        var result = limits
        if let processLimit, CgroupParent.all[.processes] == nil { result.append(.processes(processLimit)) }
        if let memoryLimit, CgroupParent.all[.memory] == nil { result.append(.memory(memoryLimit)) }
        return result
    }
}

extension Directory {
    /// Makes the missing parts of a path in this root, and returns them.
    ///
    /// A path through a dangling link stays as it is; the mount of it fails later.
    fileprivate func makeStubs(_ path: FilePath, isDirectory: Bool) throws(SystemError) -> [Stub] {
        var (stubs, prefix, parent) = ([Stub](), FilePath("/"), FilePath("/"))
        for (index, component) in path.components.enumerated() {
            prefix.append(component)
            defer { parent = prefix }
            guard try !exists(prefix) else { continue }
            let before = try status(of: parent).modified
            let makesDirectory = isDirectory || index + 1 < path.components.count
            if makesDirectory {
                try makeDirectory(prefix)
            } else {
                try open(prefix, [.write, .create], mode: 0o644).close()
            }
            let after = try status(of: parent).modified
            stubs.append(
                Stub(path: prefix, isDirectory: makesDirectory, parentModified: before, parentSettled: after))
        }
        return stubs
    }

    /// Makes the missing parts of a directory's path, with the account as owner.
    fileprivate func makeOwned(_ path: FilePath, _ account: Account) throws(SystemError) {
        var prefix = FilePath("/")
        for component in path.components {
            prefix.append(component)
            guard try !exists(prefix) else { continue }
            try makeDirectory(prefix)
            try setOwner(of: prefix, uid: account.uid, gid: account.gid)
        }
    }
}
