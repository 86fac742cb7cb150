// The mounts of a command, held until the child has attached them.

internal import Linux
internal import SystemPackage

/// The attachments of one container, made by the parent.
///
/// A directory inside a detached mount can't be bind-mounted before Linux 6.15. So the child attaches such a mount in
/// its private namespace, and then clones the entry that the parent found in it.
final class PreparedAttachments {
    struct Entry {
        let descriptor: Int32
        let target: FilePath
        let isDirectory: Bool
        /// The attributes of the clone that the child makes; nil if the parent has made the mount.
        let cloned: MountAttributes?
    }

    private(set) var entries: [Entry] = []
    /// Mounts that the child attaches before it clones entries from them.
    private(set) var stacks: [Directory] = []
    private var overlays: [Overlay: Directory] = [:]
    private var layers: [[FilePath]: Directory] = [:]
    private var memory: Directory?
    private let allowed: MountAttributes
    private let users: ContainerUsers

    init(_ command: Command, _ users: ContainerUsers) throws {
        self.users = users
        allowed = command.isPrivileged ? [] : .noDevices
        try addNames(command)
        for attachment in command.attachments {
            do throws(SystemError) {
                try add(attachment)
            } catch {
                throw SandboxError.attachment(attachment.target, error)
            }
        }
    }

    deinit {
        for entry in entries { _ = OwnedDescriptor(owning: entry.descriptor) }
    }

    private func add(_ attachment: Attachment) throws(SystemError) {
        let target = attachment.target
        let attributes = attachment.isReadOnly ? allowed.union(.readOnly) : allowed
        switch attachment.source {
        case .host(let path):
            try add(Mount.bind(path, for: users, attributes: attributes), at: target)
        case .below(let directory, let path):
            let place = try Directory(directory).open(path, .path)
            let name = directory.appending(path.components)
            let mount = try Mount.bind(place, named: name, attributes: attributes)
            try mount.mapIfPossible(for: users, name)
            try add(mount, at: target)
        case .layers(let layers, let path):
            try add(path, in: try stack(layers), at: target, attributes.union(.readOnly))
        case .overlay(let overlay, let path):
            try add(path, in: try stack(overlay), at: target, attributes)
        case .memory(let size, let mode):
            let owner = "\(users.outside(0))"
            let options =
                [("mode", String(mode, radix: 8)), ("uid", owner), ("gid", owner)]
                + (size.map { [("size", "\($0)")] } ?? [])
            try add(Mount.make("tmpfs", options: options, attributes: attributes), at: target)
        case .content(let bytes, let mode, let uid, let gid):
            try add(bytes, mode: mode, uid: uid, gid: gid, at: target, attributes)
        }
    }

    private func add(_ mount: consuming Mount, at target: FilePath) throws(SystemError) {
        let isDirectory = try mount.descriptor.status().type == .directory
        entries.append(
            Entry(descriptor: mount.release(), target: target, isDirectory: isDirectory, cloned: nil))
    }

    private func add(
        _ path: FilePath, in stack: Directory, at target: FilePath, _ attributes: MountAttributes
    ) throws(SystemError) {
        let place = try stack.open(path, .path)
        let isDirectory = try place.status().type == .directory
        entries.append(
            Entry(descriptor: place.release(), target: target, isDirectory: isDirectory, cloned: attributes))
    }

    private func stack(_ overlay: Overlay) throws(SystemError) -> Directory {
        if let made = overlays[overlay] { return made }
        let made = hold(try overlay.mount(for: users), overlay.upper)
        overlays[overlay] = made
        return made
    }

    private func stack(_ list: [FilePath]) throws(SystemError) -> Directory {
        if let made = layers[list] { return made }
        guard let top = list.first else { throw SystemError("mount layers", nil, .invalidArgument) }
        let made = hold(
            try Mount.overlay(
                lowers: list, upper: nil, work: nil, options: Mount.OverlayOptions(ownerMap: users.mountMap)), top)
        layers[list] = made
        return made
    }

    private func hold(_ mount: consuming Mount, _ path: FilePath) -> Directory {
        let made = Directory(owning: OwnedDescriptor(owning: mount.release()), path: path)
        stacks.append(made)
        return made
    }

    /// Adds /etc/hosts and /etc/resolv.conf from a tmpfs that only this container sees.
    private func addNames(_ command: Command) throws(SystemError) {
        let names = try NameFiles(for: command)
        let files = [("hosts", names.hosts), ("resolv.conf", names.resolver)].filter { name, _ in
            !command.attachments.contains { $0.target == FilePath("/etc/\(name)") }
        }
        guard !files.isEmpty else { return }
        for (name, bytes) in files {
            try add(bytes, mode: 0o644, uid: 0, gid: 0, at: FilePath("/etc/\(name)"), allowed.union(.readOnly))
        }
    }

    /// Adds a file in a tmpfs that only this container sees.
    private func add(
        _ bytes: [UInt8], mode: UInt32, uid: UInt32, gid: UInt32, at target: FilePath, _ attributes: MountAttributes
    ) throws(SystemError) {
        let memory = try privateMemory()
        let name = FilePath("\(entries.count)")
        try memory.open(name, [.write, .create, .exclusive], mode: 0o600).write(bytes)
        try memory.setOwner(of: name, uid: users.outside(uid), gid: users.outside(gid))
        try memory.setMode(of: name, mode)
        try add(name, in: memory, at: target, attributes)
    }
    private func privateMemory() throws(SystemError) -> Directory {
        if let memory { return memory }
        let made = hold(try Mount.make("tmpfs", options: [("mode", "755"), ("size", "64m")]), "/")
        memory = made
        return made
    }
}
