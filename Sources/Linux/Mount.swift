// Mounts as descriptors: made detached, attached later, unmounted with the last reference.

internal import CLinux
internal import Glibc
public import SystemPackage

/// Restrictions of a mount.
public struct MountAttributes: OptionSet, Sendable {
    /// The kernel's MOUNT_ATTR bits.
    public let rawValue: UInt32

    /// Attributes from the kernel's bits.
    public init(rawValue: UInt32) {
        self.rawValue = rawValue
    }

    /// Read-only.
    public static let readOnly = MountAttributes(rawValue: UInt32(clinux_attribute_read_only))
    /// Set-uid and set-gid bits have no effect.
    public static let noSetUID = MountAttributes(rawValue: UInt32(clinux_attribute_no_suid))
    /// Device nodes can't be opened.
    public static let noDevices = MountAttributes(rawValue: UInt32(clinux_attribute_no_dev))
    /// Programs can't be executed.
    public static let noExecution = MountAttributes(rawValue: UInt32(clinux_attribute_no_exec))
}

/// A detached mount, which is in no mount namespace until it is attached, and is unmounted with its last reference.
///
/// A detached mount leaves nothing behind if the process is killed.
public struct Mount: ~Copyable, Sendable {
    /// The mount's root, for ``Directory`` or for a child that attaches it.
    public let descriptor: OwnedDescriptor

    init(owning number: Int32) {
        descriptor = OwnedDescriptor(owning: number)
    }

    /// Makes a file system of `type`; an option without a value is a flag.
    public static func make(
        _ type: String, options: [(key: String, value: String?)] = [], attributes: MountAttributes = []
    ) throws(SystemError) -> Mount {
        let context = OwnedDescriptor(owning: try system("mount \(type)") { unsafe clinux_fsopen(type) })
        for (key, value) in options {
            let code = option(context, key: key, value: value)
            if code != 0 { throw SystemError(last: "mount \(type), option \(key)", value.map { FilePath($0) }) }
        }
        try system("mount \(type)") { clinux_fsconfig_create(context.rawValue) }
        return Mount(owning: try system("mount \(type)") { clinux_fsmount(context.rawValue, attributes.rawValue) })
    }

    /// Makes a bind mount of the file or directory `path`, with the mounts below it.
    public static func bind(
        _ path: FilePath, attributes: MountAttributes = [], recursive: Bool = true
    ) throws(SystemError) -> Mount {
        let number = try system("bind", path) {
            unsafe path.withPlatformString { unsafe clinux_open_tree(AT_FDCWD, $0, 1, recursive ? 1 : 0) }
        }
        let mount = Mount(owning: number)
        if !attributes.isEmpty { try mount.set(attributes, path, recursive: recursive) }
        return mount
    }

    /// Makes a bind mount of an open file or directory, with the mounts below it; `path` is for messages.
    ///
    /// It must be open in an attached mount that this process sees.
    public static func bind(
        _ place: borrowing OwnedDescriptor, named path: FilePath, attributes: MountAttributes = [],
        recursive: Bool = true
    ) throws(SystemError) -> Mount {
        let number = try system("bind", path) { unsafe clinux_open_tree(place.rawValue, "", 1, recursive ? 1 : 0) }
        let mount = Mount(owning: number)
        if !attributes.isEmpty { try mount.set(attributes, path, recursive: recursive) }
        return mount
    }

    /// Maps the owners of the mount's files with the map of the user namespace `users`.
    ///
    /// Only for a detached mount. Needs Linux 5.12 and a file system with support for it.
    public func map(users: Int32, _ path: FilePath, recursive: Bool = true) throws(SystemError) {
        try system("map owners of", path) {
            clinux_mount_map(descriptor.rawValue, recursive ? 1 : 0, users)
        }
    }

    /// Makes a file system of `type`; paths in its options are relative to the root of `base`.
    static func make(
        _ type: String, in base: consuming Mount, options: [(key: String, value: String?)], attributes: MountAttributes
    ) throws(SystemError) -> Mount {
        let list = unsafe options.map { option in
            unsafe clinux_option(key: strdup(option.key), value: option.value.flatMap { unsafe strdup($0) })
        }
        defer {
            unsafe list.forEach { option in
                unsafe free(UnsafeMutablePointer(mutating: option.key))
                unsafe free(UnsafeMutablePointer(mutating: option.value))
            }
        }
        var failed = 0
        let number = unsafe clinux_make_mount_in(
            base.descriptor.rawValue, type, list, list.count, attributes.rawValue, &failed)
        guard number < 0 else { return Mount(owning: number) }
        let option = failed < options.count ? ", option \(options[failed].key)" : ""
        throw SystemError(last: "mount \(type)\(option)", nil)
    }

    /// Releases the descriptor; the caller closes it.
    public consuming func release() -> Int32 {
        descriptor.release()
    }

    /// Attaches the mount.
    public func attach(to target: FilePath) throws(SystemError) {
        try system("mount", target) {
            unsafe target.withPlatformString { unsafe clinux_move_mount(descriptor.rawValue, AT_FDCWD, $0) }
        }
    }

    /// Opens the mount's root as a directory; the mount exists as long as the directory is open.
    public func root(named path: FilePath) throws(SystemError) -> Directory {
        let number = try system("open", path) {
            unsafe clinux_openat(descriptor.rawValue, ".", O_RDONLY | O_DIRECTORY, 0)
        }
        return Directory(owning: OwnedDescriptor(owning: number), path: path)
    }

    /// Unmounts; with `lazily` the mount stays usable for processes that have files open in it.
    public static func detach(_ target: FilePath, lazily: Bool = false) throws(SystemError) {
        try system("unmount", target) {
            unsafe target.withPlatformString { unsafe umount2($0, Int32(lazily ? MNT_DETACH : 0)) }
        }
    }

    private func set(_ attributes: MountAttributes, _ path: FilePath, recursive: Bool) throws(SystemError) {
        try system("change mount", path) {
            clinux_mount_setattr(descriptor.rawValue, recursive ? 1 : 0, UInt64(attributes.rawValue), 0)
        }
    }

    private static func option(_ context: borrowing OwnedDescriptor, key: String, value: String?) -> Int32 {
        guard let value else { return unsafe clinux_fsconfig_flag(context.rawValue, key) }
        return unsafe clinux_fsconfig_string(context.rawValue, key, value)
    }
}
