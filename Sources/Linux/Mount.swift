// Mounts as descriptors: made without a place, given one later, gone when nobody holds them.

internal import CLinux
internal import Glibc
public import SystemPackage

/// What may not happen on a mount.
public struct MountAttributes: OptionSet, Sendable {
    /// The kernel's MOUNT_ATTR bits.
    public let rawValue: UInt32

    /// Attributes from the kernel's bits.
    public init(rawValue: UInt32) {
        self.rawValue = rawValue
    }

    /// No writing.
    public static let readOnly = MountAttributes(rawValue: UInt32(clinux_attribute_read_only))
    /// Set-uid bits mean nothing.
    public static let noSetUID = MountAttributes(rawValue: UInt32(clinux_attribute_no_suid))
    /// Device nodes mean nothing.
    public static let noDevices = MountAttributes(rawValue: UInt32(clinux_attribute_no_dev))
    /// No program starts from here.
    public static let noExecution = MountAttributes(rawValue: UInt32(clinux_attribute_no_exec))
}

/// A mount that is in no mount namespace until it is attached, and ends with its last holder.
///
/// Because it has no place, a process that is killed leaves nothing behind.
public struct Mount: ~Copyable, Sendable {
    /// The mount's root, for ``Directory`` or for a child that attaches it.
    public let descriptor: OwnedDescriptor

    init(owning number: Int32) {
        descriptor = OwnedDescriptor(owning: number)
    }

    /// Makes a file system of `type`; an option without value is a flag.
    public static func make(
        _ type: String, options: [(key: String, value: String?)] = [], attributes: MountAttributes = []
    ) throws(SystemError) -> Mount {
        let context = OwnedDescriptor(owning: try system("mount \(type)") { unsafe clinux_fsopen(type) })
        for (key, value) in options {
            let code = option(context, key, value)
            if code != 0 { throw SystemError(last: "mount \(type), option \(key)", value.map { FilePath($0) }) }
        }
        try system("mount \(type)") { clinux_fsconfig_create(context.rawValue) }
        return Mount(owning: try system("mount \(type)") { clinux_fsmount(context.rawValue, attributes.rawValue) })
    }

    /// Shows the file or directory `path`, and what is mounted below it, a second time.
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

    /// Shows what is open, and what is mounted below it, a second time; `path` is for messages.
    ///
    /// It has to be open in a mount that this process sees in the tree.
    public static func bind(
        _ place: borrowing OwnedDescriptor, named path: FilePath, attributes: MountAttributes = [],
        recursive: Bool = true
    ) throws(SystemError) -> Mount {
        let number = try system("bind", path) { unsafe clinux_open_tree(place.rawValue, "", 1, recursive ? 1 : 0) }
        let mount = Mount(owning: number)
        if !attributes.isEmpty { try mount.set(attributes, path, recursive: recursive) }
        return mount
    }

    /// Shows the owners of the mount's files as the map of the user namespace `users` says.
    ///
    /// Only before the mount has a place. Needs Linux 5.12 and a file system that allows it.
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

    /// Gives the descriptor's number away; the caller closes it.
    public consuming func release() -> Int32 {
        descriptor.release()
    }

    /// Gives the mount its place.
    public func attach(to target: FilePath) throws(SystemError) {
        try system("mount", target) {
            unsafe target.withPlatformString { unsafe clinux_move_mount(descriptor.rawValue, AT_FDCWD, $0) }
        }
    }

    /// The mount's root as a directory; it lives as long as that is held.
    public func root(named path: FilePath) throws(SystemError) -> Directory {
        let number = try system("open", path) {
            unsafe clinux_openat(descriptor.rawValue, ".", O_RDONLY | O_DIRECTORY, 0)
        }
        return Directory(owning: OwnedDescriptor(owning: number), path: path)
    }

    /// Takes a mount from its place; `lazily` leaves it to those who still use it.
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

    private static func option(_ context: borrowing OwnedDescriptor, _ key: String, _ value: String?) -> Int32 {
        guard let value else { return unsafe clinux_fsconfig_flag(context.rawValue, key) }
        return unsafe clinux_fsconfig_string(context.rawValue, key, value)
    }
}
