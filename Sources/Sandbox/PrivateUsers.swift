// User and group IDs of containers that root starts: a private range instead of the machine's own IDs.
//
//     in the container, and on disk      on this machine
//     ─────────────────────────────      ───────────────
//     0 ... 1073741823                   2147483648 ... 3221225471
//
// Image files keep their true IDs on disk. Idmapped mounts show them shifted by the range's start, so root in the
// container owns them and is no user of this machine. See user_namespaces(7) and mount_setattr(2).

internal import CLinux
internal import Glibc
internal import Linux
internal import Synchronization
internal import SystemPackage

/// The user namespace of containers, and the map of the mounts that hold their files.
final class PrivateUsers: Sendable {
    /// The first ID of the range, beyond those that distributions assign to users, services and containers.
    static let first: UInt32 = 1 << 31
    /// The size of the range; IDs that platforms choose at random are below it too.
    static let count: UInt32 = 1 << 30

    /// The user namespace of the commands.
    let namespace: OwnedDescriptor
    /// The user namespace whose ID map the mounts have; no process is in it.
    ///
    /// Besides the range it maps root of this machine, who mounts the overlay: the kernel makes whiteouts and scratch
    /// files with root's IDs.
    let mountMap: OwnedDescriptor

    private static let made = Result { () throws(SystemError) in try PrivateUsers() }

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
}

/// The user and group IDs of a container's processes.
enum ContainerUsers: Sendable {
    /// The IDs of this process.
    case own
    /// A private range.
    case range(PrivateUsers)

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
        case .range(let users): users.namespace.rawValue
        }
    }

    /// The user namespace whose map applies to mounts of the image's and the command's files.
    var mountMap: Int32? {
        switch self {
        case .own: nil
        case .range(let users): users.mountMap.rawValue
        }
    }
}

extension PrivateUsers {
    private static let trials = Mutex<[UInt64: SystemError?]>([:])

    /// Returns the users of a command with `users`, unless the file system of its overlay supports no range.
    static func expected(for users: Users) -> ContainerUsers {
        guard users == .separate, (try? IDMap.current().isInitial) == true, case .success(let range) = made else {
            return .own
        }
        return .range(range)
    }

    /// Returns the private range if the kernel and the file system of `directory` support it.
    ///
    /// - Parameter directory: An existing directory on the file system of the overlay.
    static func usable(on directory: FilePath) throws(SystemError) -> Result<PrivateUsers, SystemError> {
        let users: PrivateUsers
        switch made {
        case .failure(let error): return .failure(error)
        case .success(let success): users = success
        }
        let device = try OwnedDescriptor(directory, [.read, .directory]).status().device
        if let known = trials.withLock({ $0[device] }) { return known.map { .failure($0) } ?? .success(users) }
        let refusal = users.refusal(on: directory)
        trials.withLock { $0[device] = .some(refusal) }
        return refusal.map { .failure($0) } ?? .success(users)
    }

    /// Tries an overlay of two idmapped directories; returns nil if it can be mounted.
    private func refusal(on directory: FilePath) -> SystemError? {
        do throws(SystemError) {
            // Without an upper directory nothing is written.
            let options = Mount.OverlayOptions(ownerMap: mountMap.rawValue)
            let parent = try Directory.make(directory.appending("users"))
            defer { try? Directory(directory).removeTree("users") }
            for name in ["a", "b"] { try parent.makeDirectory(FilePath(name)) }
            let lowers = ["a", "b"].map { directory.appending("users").appending($0) }
            _ = try Mount.overlay(lowers: lowers, upper: nil, work: nil, options: options)
            return nil
        } catch {
            return error
        }
    }
}

extension Command {
    /// Returns the users of a container on `overlay`.
    ///
    /// One idmapped mount covers all directories of the overlay, so they must be on one file system.
    func containerUsers(on overlay: Overlay) throws(SystemError) -> ContainerUsers {
        guard users == .separate, !isPrivileged, try IDMap.current().isInitial else { return .own }
        let directories = [overlay.work, overlay.upper] + overlay.lowers.prefix(1)
        let devices = try directories.map { (path) throws(SystemError) in try Directory(path).descriptor.status().device
        }
        guard Set(devices).count == 1, case .success(let range) = try PrivateUsers.usable(on: overlay.work) else {
            return .own
        }
        return .range(range)
    }
}
