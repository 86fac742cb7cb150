// The root file system of a container: read-only layers below one that is written.

public import Linux
public import SystemPackage

/// Directories stacked into a root file system; a value, nothing is mounted before a container starts.
///
/// The mount lives in the container's own mount namespace: when the container ends, or this process is killed,
/// nothing is left but what was written to `upper`.
public struct Overlay: Sendable, Hashable {
    /// The read-only layers, topmost first.
    public var lowers: [FilePath]
    /// Where the container writes; afterwards, the layer.
    public var upper: FilePath
    /// A scratch directory on the file system of `upper`; its content belongs to the kernel.
    public var work: FilePath
    /// Whether upper is never synced, as is right for a layer that counts only when it has been stored elsewhere.
    public var isVolatile: Bool

    /// A stack of layers.
    public init(lowers: [FilePath], upper: FilePath, work: FilePath, isVolatile: Bool = true) {
        self.lowers = lowers
        self.upper = upper
        self.work = work
        self.isVolatile = isVolatile
    }

    /// What a container would see now, read-only, for look-ups such as /etc/passwd; gone with its last holder.
    ///
    /// Only while no container runs on this overlay.
    public func view() throws(SystemError) -> Directory {
        try Mount.overlay(lowers: [upper] + lowers, upper: nil, work: nil).root(named: upper)
    }

    /// Looks `user[:group]` up in this root file system.
    public func account(_ text: String) throws -> Account {
        try Account(text, in: view())
    }

    /// Keeps other containers away from this overlay, in this process or another.
    func lock() throws -> Lock {
        guard let lock = try Lock.attempt(work.appending("lock"), .exclusive) else {
            throw SandboxError.overlayInUse(upper)
        }
        return lock
    }

    /// Mounts the stack without a place, for one container.
    func mount(for users: ContainerUsers, attributes: MountAttributes = []) throws(SystemError) -> Mount {
        // The kernel refuses a work directory that a volatile overlay has used.
        try Directory(work).removeTree("work")
        if lowers.isEmpty { return try Mount.bind(upper, for: users, attributes: attributes, recursive: false) }
        let options = Mount.OverlayOptions(isVolatile: isVolatile, ownerMap: users.mountMap)
        return try Mount.overlay(lowers: lowers, upper: upper, work: work, options: options, attributes: attributes)
    }
}

extension Mount {
    /// Shows a file or directory a second time, with owners as `users` see them; as the overflow user's where its file
    /// system has no idmapped mounts.
    static func bind(
        _ path: FilePath, for users: ContainerUsers, attributes: MountAttributes = [], recursive: Bool = true
    ) throws(SystemError) -> Mount {
        let mount = try bind(path, attributes: attributes, recursive: recursive)
        try mount.mapIfPossible(for: users, path, recursive: recursive)
        return mount
    }

    /// Shows owners as `users` see them, where the file system can (EINVAL: it can't).
    func mapIfPossible(for users: ContainerUsers, _ path: FilePath, recursive: Bool = true) throws(SystemError) {
        guard let map = users.mountMap else { return }
        do throws(SystemError) {
            try self.map(users: map, path, recursive: recursive)
        } catch {
            guard error.errno == .invalidArgument else { throw error }
        }
    }
}
