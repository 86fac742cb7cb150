// The root file system of a container: read-only layers below one that is written.

public import Linux
public import SystemPackage

/// Directories stacked into a root file system; nothing is mounted before a container starts.
///
/// The mount is in the container's own mount namespace. When the container ends or this process is killed, only the
/// files written to `upper` remain.
public struct Overlay: Sendable, Hashable {
    /// The read-only layers, topmost first.
    public var lowers: [FilePath]
    /// The directory to which the container writes; afterwards it is the layer.
    public var upper: FilePath
    /// A scratch directory on the file system of `upper`, reserved for the kernel.
    public var work: FilePath
    /// True if upper is never synced, as for a layer that is valid only after it was stored elsewhere.
    public var isVolatile: Bool
    /// True if the files have shifted owners; see ``Users/storedIDs(on:)``.
    public var isShifted: Bool

    /// A stack of layers.
    public init(
        lowers: [FilePath], upper: FilePath, work: FilePath, isVolatile: Bool = true, isShifted: Bool = false
    ) {
        self.isShifted = isShifted
        self.lowers = lowers
        self.upper = upper
        self.work = work
        self.isVolatile = isVolatile
    }

    /// Returns a read-only view of the container's root, for look-ups such as /etc/passwd.
    ///
    /// The view is unmounted with its last reference. Call this only while no container runs on this overlay.
    public func view() throws(SystemError) -> Directory {
        try Mount.overlay(lowers: [upper] + lowers, upper: nil, work: nil).root(named: upper)
    }

    /// Looks `user[:group]` up in this root file system.
    public func account(_ text: String) throws -> Account {
        try Account(text, in: view())
    }

    /// Locks this overlay against other containers, in this process or another.
    func lock() throws -> Lock {
        guard let lock = try Lock.attempt(work.appending("lock"), .exclusive) else {
            throw SandboxError.overlayInUse(upper)
        }
        return lock
    }

    /// Makes a detached mount of the stack for one container.
    func mount(for users: ContainerUsers, attributes: MountAttributes = []) throws(SystemError) -> Mount {
        // The kernel refuses a work directory that a volatile overlay has already used.
        try Directory(work).removeTree("work")
        if lowers.isEmpty { return try Mount.bind(upper, for: users, attributes: attributes, recursive: false) }
        let options = Mount.OverlayOptions(isVolatile: isVolatile, ownerMap: users.mountMap)
        return try Mount.overlay(lowers: lowers, upper: upper, work: work, options: options, attributes: attributes)
    }
}

extension Mount {
    /// Makes a bind mount of a file or directory, with owners mapped for `users`.
    ///
    /// On a file system without idmapped mounts, the files belong to the overflow user.
    static func bind(
        _ path: FilePath, for users: ContainerUsers, attributes: MountAttributes = [], recursive: Bool = true
    ) throws(SystemError) -> Mount {
        let mount = try bind(path, attributes: attributes, recursive: recursive)
        try mount.mapIfPossible(for: users, path, recursive: recursive)
        return mount
    }

    /// Maps owners for `users` if the file system supports it (EINVAL: it doesn't).
    func mapIfPossible(for users: ContainerUsers, _ path: FilePath, recursive: Bool = true) throws(SystemError) {
        guard let map = users.mountMap else { return }
        do throws(SystemError) {
            try self.map(users: map, path, recursive: recursive)
        } catch {
            guard error.errno == .invalidArgument else { throw error }
        }
    }
}
