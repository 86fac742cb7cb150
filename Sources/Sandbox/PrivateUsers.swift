// User and group IDs of containers that root starts: a private range instead of the machine's own IDs.
//
//     in the container, and on disk      on this machine
//     ─────────────────────────────      ───────────────
//     0 ... 1073741823                   2147483648 ... 3221225471
//
// Image files keep their true IDs on disk. Idmapped mounts show them shifted by the range's start, so root in the
// container owns them and is no user of this machine. See user_namespaces(7) and mount_setattr(2). Where the kernel or
// the file system has no idmapped mounts for overlays, the files are unpacked with shifted owners.

internal import CLinux
internal import Glibc
public import Linux
internal import Synchronization
public import SystemPackage

/// The user namespace of containers, and the map of the mounts that hold their files.
final class PrivateUsers: Sendable {
    /// The first ID of the range, beyond those that distributions assign to users, services and containers.
    static let first: UInt32 = 1 << 31
    /// The size of the range; IDs that platforms choose at random are below it too.
    static let count: UInt32 = 1 << 30

    /// The user of the programs that serve containers: the last one of the range, and no user of this machine.
    static let server = count - 1
    /// A group below the range, since the kernel's limit of groups that may ping is below it.
    static let serverGroup = first - 1

    /// The user namespace of the commands.
    let namespace: OwnedDescriptor
    /// The user namespace whose ID map the mounts have; no process is in it.
    ///
    /// Besides the range it maps root of this machine, who mounts the overlay: the kernel makes whiteouts and scratch
    /// files with root's IDs.
    let mountMap: OwnedDescriptor

    fileprivate static let made = Result { () throws(SystemError) in try PrivateUsers() }

    private init() throws(SystemError) {
        let holder = try Launcher.holderDescriptor()
        let range = "0 \(Self.first) \(Self.count)\n"
        namespace = OwnedDescriptor(
            owning: try system("make user namespace") { unsafe clinux_make_users(holder, range) })
        let root = "\(UInt32.max - 2) 0 1\n"
        mountMap = OwnedDescriptor(
            owning: try system("make user namespace") { unsafe clinux_make_users(holder, range + root) })
    }

    /// Returns the ID on this machine for an ID in the container.
    static func outside(_ number: UInt32) -> UInt32 { first + number }

    /// The IDs that a command may have.
    static let ids: IDMap = {
        let map = Array("0 \(first) \(count)\n".utf8)
        return IDMap(users: map, groups: map, isInitial: false)
    }()

    /// The map of files that are stored for the range.
    static let shiftedIDs = IDMap.shifted(to: first, count: count)
}

/// The user and group IDs of a container's processes.
enum ContainerUsers: Sendable {
    /// The IDs of this process.
    case own
    /// A private range; `isShifted` is true if the files have its IDs on disk.
    case range(PrivateUsers, isShifted: Bool)

    /// The two kinds.
    enum Kind: Sendable { case own, range }

    var kind: Kind {
        switch self {
        case .own: .own
        case .range: .range
        }
    }

    /// Returns the map of this process's IDs, or of the range.
    func ids() throws(SystemError) -> IDMap {
        switch self {
        case .own: try IDMap.current()
        case .range: PrivateUsers.ids
        }
    }

    /// Returns the ID that this process sees for an ID in the container.
    func outside(_ number: UInt32) -> UInt32 {
        switch self {
        case .own: number
        case .range: PrivateUsers.outside(number)
        }
    }

    /// The user namespace to enter; nil for this process's own.
    var namespace: Int32? {
        switch self {
        case .own: nil
        case .range(let users, _): users.namespace.rawValue
        }
    }

    /// The user namespace whose map applies to mounts of the image's and the command's files; nil for no map.
    var mountMap: Int32? {
        switch self {
        case .own, .range(_, isShifted: true): nil
        case .range(let users, isShifted: false): users.mountMap.rawValue
        }
    }
}

extension PrivateUsers {
    /// The way in which files on a file system get the owners that a private range needs.
    enum Support { case idmapped, shifted, none }

    private static let trials = Mutex<[UInt64: Support]>([:])

    /// Returns the users of a command with `users`, unless the file system of its overlay supports no range.
    static func expected(for users: Users) -> ContainerUsers {
        guard users == .separate, (try? IDMap.current().isInitial) == true, case .success(let range) = made else {
            return .own
        }
        return .range(range, isShifted: false)
    }

    /// Tries the file system of the existing directory `directory`, once for each file system.
    static func support(on directory: FilePath) throws(SystemError) -> Support {
        guard case .success(let users) = made else { return .none }
        let device = try OwnedDescriptor(directory, [.read, .directory]).status().device
        if let known = trials.withLock({ $0[device] }) { return known }
        let name = FilePath("users.\(UInt64.random(in: 0 ... .max))")
        let parent = try Directory.make(directory.appending(name.components))
        defer { try? Directory(directory).removeTree(name) }
        let support = users.support(in: parent)
        trials.withLock { $0[device] = support }
        return support
    }

    private func support(in parent: Directory) -> Support {
        do throws(SystemError) {
            for name in ["a", "b"] { try parent.makeDirectory(FilePath(name)) }
        } catch {
            return .none
        }
        // Without an upper directory nothing is written.
        let options = Mount.OverlayOptions(ownerMap: mountMap.rawValue)
        let lowers = ["a", "b"].map { parent.path.appending($0) }
        if (try? Mount.overlay(lowers: lowers, upper: nil, work: nil, options: options)) != nil { return .idmapped }
        let last = Self.outside(Self.count - 1)
        return (try? parent.setOwner(of: "a", uid: last, gid: last)) != nil ? .shifted : .none
    }
}

extension Users {
    /// The map of files with shifted owners.
    public static var shiftedIDs: IDMap { PrivateUsers.shiftedIDs }

    /// Returns the map of the files of a container's root on the file system of `directory`.
    ///
    /// It is shifted if the kernel or the file system has no idmapped mounts for overlays. Layers for the container
    /// must be unpacked with it.
    public func storedIDs(on directory: FilePath) throws(SystemError) -> IDMap {
        let current = try IDMap.current()
        guard self == .separate, current.isInitial else { return current }
        switch try PrivateUsers.support(on: directory) {
        case .shifted: return PrivateUsers.shiftedIDs
        case .idmapped, .none: return current
        }
    }
}

extension Command {
    /// Returns the users of a container on `overlay`.
    ///
    /// One idmapped mount covers all directories of the overlay, so they must be on one file system. The files of a
    /// shifted overlay belong to the range, so they are never shown to a container without it.
    func containerUsers(on overlay: Overlay) throws(SystemError) -> ContainerUsers {
        if overlay.isShifted { return .range(try PrivateUsers.made.get(), isShifted: true) }
        guard users == .separate, !isPrivileged, try IDMap.current().isInitial else { return .own }
        let directories = [overlay.work, overlay.upper] + overlay.lowers.prefix(1)
        let devices = try directories.map { (path) throws(SystemError) in try Directory(path).descriptor.status().device
        }
        guard Set(devices).count == 1, try PrivateUsers.support(on: overlay.work) == .idmapped else { return .own }
        return .range(try PrivateUsers.made.get(), isShifted: false)
    }
}
