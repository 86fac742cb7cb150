// The control groups of one container: made before it, removed after it.

internal import CLinux
internal import Glibc
internal import Linux
internal import SystemPackage

/// Groups that hold one container to its limits, one in each hierarchy that is needed.
///
/// They are called `thaw.PID.RANDOM`. The maker holds a lock on each, which ends with its process: what a killed one
/// left is removed by the next that makes a group there.
final class ControlGroup: Sendable {
    /// The directory of the group in cgroup v2's hierarchy, in which the child is born.
    var unified: Int32? { groups.first { $0.list == nil }?.directory.descriptor.rawValue }
    /// The files in which the child enters itself: in older hierarchies, and where there is no clone3.
    var lists: [Int32] { groups.compactMap { $0.list?.descriptor.rawValue } }

    private let groups: [Group]

    /// Groups for what `command` limits; nil where it limits nothing that this machine can hold it to.
    init?(for command: Command) throws(SystemError) {
        var wanted: [Place: [(file: FilePath, value: String)]] = [:]
        for (controller, limit) in command.controlled {
            guard let place = Place.all[controller] else { continue }
            wanted[place, default: []] += place.settings(controller, limit)
        }
        guard !wanted.isEmpty else { return nil }
        let name = FilePath("thaw.\(getpid()).\(String(UInt64.random(in: 0 ... .max), radix: 16))")
        var made: [Group] = []
        do throws(SystemError) {
            for (place, settings) in wanted { made.append(try Group(name, in: place, settings)) }
        } catch {
            for group in made { group.remove() }
            throw error
        }
        groups = made
    }

    deinit {
        remove()
    }

    /// Removes groups of this name from the top of every hierarchy, where a runtime that was killed leaves them.
    static func removeAll(named name: String) {
        guard let table = try? OwnedDescriptor("/proc/self/mountinfo").readAll(limit: 16 << 20) else { return }
        for mount in Hierarchy.mounts(in: String(decoding: table, as: UTF8.self)) {
            _ = unsafe mount.appending(name).withPlatformString { unsafe rmdir($0) }
        }
    }

    /// Removes the groups, which are empty when their container has ended.
    func remove() {
        for group in groups { group.remove() }
    }
}

extension Command {
    /// What has to be counted for its limits.
    var controlled: [(Controller, Int64)] {
        var result: [(Controller, Int64)] = []
        if let processLimit { result.append((.processes, Int64(processLimit))) }
        if let memoryLimit { result.append((.memory, memoryLimit)) }
        return result
    }
}

/// A group in which this process may make groups.
struct Place: Sendable, Hashable {
    let path: FilePath
    let isUnified: Bool

    /// Where each controller is; a look-up is made once, and sweeps away what killed processes left.
    static let all: [Controller: Place] = {
        let texts = ["/proc/self/cgroup", "/proc/self/mountinfo"].map { path in
            // A kernel without control groups has no such file.
            let bytes = (try? OwnedDescriptor(FilePath(path)).readAll(limit: 16 << 20)) ?? []
            return String(decoding: bytes, as: UTF8.self)
        }
        var result: [Controller: Place] = [:]
        for controller in Controller.allCases {
            let hierarchies = Hierarchy.candidates(for: controller, groups: texts[0], mounts: texts[1])
            result[controller] =
                hierarchies.lazy.compactMap { hierarchy in
                    hierarchy.parent(for: controller).map { Place(path: $0, isUnified: hierarchy.isUnified) }
                }.first
        }
        for place in Set(result.values) { place.sweep() }
        return result
    }()

    /// The files to write for a limit, and what.
    func settings(_ controller: Controller, _ limit: Int64) -> [(file: FilePath, value: String)] {
        switch controller {
        case .processes: [("pids.max", "\(limit)")]
        case .memory where isUnified: [("memory.max", "\(limit)"), ("memory.swap.max", "0")]
        case .memory: [("memory.limit_in_bytes", "\(limit)"), ("memory.memsw.limit_in_bytes", "\(limit)")]
        }
    }

    /// Removes groups whose maker is gone. Nothing can run in them: containers die with their maker.
    func sweep() {
        guard let directory = try? Directory(path), let entries = try? directory.entries() else { return }
        for entry in entries {
            let name = String(decoding: entry.name, as: UTF8.self)
            let parts = name.split(separator: ".")
            guard parts.count == 3, parts[0] == "thaw", let maker = Int32(parts[1]), maker > 0, maker != getpid(),
                kill(maker, 0) != 0, Glibc.errno == ESRCH
            else { continue }
            // The maker may be alive in another process namespace: then it holds the lock.
            guard let group = try? OwnedDescriptor(path.appending(name), [.read, .directory]),
                flock(group.rawValue, LOCK_EX | LOCK_NB) == 0
            else { continue }
            _ = unsafe path.appending(name).withPlatformString { unsafe rmdir($0) }
        }
    }
}

/// One group in one hierarchy.
private struct Group: Sendable {
    let place: Place
    let directory: Directory
    /// The open file in which a process enters itself, where it isn't born in the group.
    let list: List?

    final class List: Sendable {
        let descriptor: OwnedDescriptor

        init(_ descriptor: consuming OwnedDescriptor) {
            self.descriptor = descriptor
        }
    }

    init(_ name: FilePath, in place: Place, _ settings: [(file: FilePath, value: String)]) throws(SystemError) {
        let path = place.path.appending(name.components)
        try Directory(place.path).makeDirectory(name)
        self.place = place
        do throws(SystemError) {
            let directory = try Directory(path)
            try system("lock", path) { flock(directory.descriptor.rawValue, LOCK_SH) }
            for (file, value) in settings { try Self.set(file, value, in: directory) }
            let isEntered = !place.isUnified || !Self.canBeBornInGroup
            list = isEntered ? List(try directory.open(place.isUnified ? "cgroup.procs" : "tasks", .write)) : nil
            self.directory = directory
        } catch {
            _ = unsafe path.withPlatformString { unsafe rmdir($0) }
            throw error
        }
    }

    /// Whether there is clone3, which filters like Docker's deny.
    private static let canBeBornInGroup = clinux_has_clone3() == 1

    private static func set(_ file: FilePath, _ value: String, in directory: Directory) throws(SystemError) {
        do throws(SystemError) {
            try directory.open(file, .write).write(Array(value.utf8))
        } catch {
            // Kernels without accounting of swap have no file for it.
            guard file.string.contains("sw"), error.errno == .noSuchFileOrDirectory else { throw error }
        }
    }

    /// Removes the group; its last process may be on its way out for a moment.
    func remove() {
        for _ in 0..<100 {
            let code = unsafe directory.path.withPlatformString { unsafe rmdir($0) }
            if code == 0 || Glibc.errno != EBUSY { return }
            usleep(1000)
        }
    }
}
