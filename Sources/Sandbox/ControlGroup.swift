// The control groups of one container: made before it starts, removed after it ends.

internal import CLinux
internal import Glibc
internal import Linux
internal import Synchronization
internal import SystemPackage

/// Groups that enforce one container's limits, one in each hierarchy that is needed.
///
/// They are called `thaw.PID.RANDOM`. Their maker holds a lock on each, which its process's end releases. Groups left
/// by a killed process are removed by the next process that makes a group there.
final class ControlGroup: Sendable {
    /// The directory of the group in cgroup v2's hierarchy, for clone3 with CLONE_INTO_CGROUP.
    var unified: Int32? { groups.first { $0.list == nil }?.directory.descriptor.rawValue }
    /// The files into which the child writes its PID: in v1 hierarchies, and where clone3 isn't available.
    var lists: [Int32] { groups.compactMap { $0.list?.rawValue } }

    private let groups: [Group]
    private let hadKills = Mutex(false)

    /// Makes groups for the limits of `command`; nil if it has no limit that a group can enforce here.
    init?(for command: Command) throws(SystemError) {
        var wanted: [CgroupParent: [GroupSetting]] = [:]
        for (controller, parent) in CgroupParent.parents(for: command.controllers, in: CgroupParent.all) {
            wanted[parent, default: []] += command.settings(controller, isUnified: parent.isUnified)
        }
        guard !wanted.isEmpty else { return nil }
        let name = FilePath("thaw.\(getpid()).\(String(UInt64.random(in: 0 ... .max), radix: 16))")
        var made: [Group] = []
        do throws(SystemError) {
            for (parent, settings) in wanted { made.append(try Group(name, in: parent, settings)) }
        } catch {
            for group in made { group.remove() }
            throw error
        }
        groups = made
    }

    deinit {
        remove()
    }

    /// Removes groups of this name from the top of every hierarchy; a killed runtime leaves its groups there.
    ///
    /// Returns true if the kernel killed a process of one because it ran out of memory.
    static func removeAll(named name: String) -> Bool {
        guard let table = try? OwnedDescriptor("/proc/self/mountinfo").readAll(limit: 16 << 20) else { return false }
        var hadKills = false
        for mount in Hierarchy.mounts(in: String(decoding: table, as: UTF8.self)) {
            guard let group = try? Directory(mount.appending(name)) else { continue }
            hadKills = MemoryEvents.hasKills(in: group) || hadKills
            removeGroup(group.path)
        }
        return hadKills
    }

    /// True if the kernel killed a process of the container because it ran out of memory.
    var ranOutOfMemory: Bool {
        hadKills.withLock { kills in
            kills = kills || groups.contains { MemoryEvents.hasKills(in: $0.directory) }
            return kills
        }
    }

    /// Removes the groups, which are empty once their container has ended.
    func remove() {
        // Read the counters first: they are removed with the groups.
        _ = ranOutOfMemory
        for group in groups { group.remove() }
    }
}

/// A group in which this process may make groups.
struct CgroupParent: Sendable, Hashable {
    let path: FilePath
    let isUnified: Bool

    /// The place of each controller; read once, when the groups of killed processes are removed too.
    static let all: [Controller: CgroupParent] = {
        let texts = ["/proc/self/cgroup", "/proc/self/mountinfo"].map { path in
            // A kernel without control groups has no such file.
            let bytes = (try? OwnedDescriptor(FilePath(path)).readAll(limit: 16 << 20)) ?? []
            return String(decoding: bytes, as: UTF8.self)
        }
        var result: [Controller: CgroupParent] = [:]
        for controller in Controller.allCases {
            let hierarchies = Hierarchy.candidates(for: controller, groups: texts[0], mounts: texts[1])
            result[controller] =
                hierarchies.lazy.compactMap { hierarchy in
                    hierarchy.parent(for: controller).map { CgroupParent(path: $0, isUnified: hierarchy.isUnified) }
                }.first
        }
        for parent in Set(result.values) { parent.removeAbandoned() }
        return result
    }()

    /// Returns the places of the controllers that are in `all`, with a single place for those of v2.
    ///
    /// A process is in one group of v2. A controller that a group enables for its children (cgroup.subtree_control) is
    /// enabled by all groups above it too. So the highest place has all of the controllers.
    static func parents(for controllers: [Controller], in all: [Controller: CgroupParent]) -> [Controller: CgroupParent]
    {
        let found = all.filter { controllers.contains($0.key) }
        let highest = found.values.filter(\.isUnified).min { $0.path.components.count < $1.path.components.count }
        return found.mapValues { parent in parent.isUnified ? highest ?? parent : parent }
    }

    /// Removes groups whose maker has exited; no process runs in them, because containers end with their maker.
    func removeAbandoned() {
        guard let directory = try? Directory(path), let entries = try? directory.entries() else { return }
        for entry in entries {
            let name = String(decoding: entry.name, as: UTF8.self)
            let parts = name.split(separator: ".")
            guard parts.count == 3, parts[0] == "thaw", let maker = Int32(parts[1]), maker > 0, maker != getpid(),
                kill(maker, 0) != 0, Glibc.errno == ESRCH
            else { continue }
            // The maker may run in another PID namespace: then it still holds the lock.
            guard let group = try? OwnedDescriptor(path.appending(name), [.read, .directory]),
                flock(group.rawValue, LOCK_EX | LOCK_NB) == 0
            else { continue }
            _ = unsafe path.appending(name).withPlatformString { unsafe rmdir($0) }
        }
    }
}

/// One group in one hierarchy.
private struct Group: Sendable {
    let parent: CgroupParent
    let directory: Directory
    /// The open file into which a process writes its PID; nil if clone3 starts the process in the group.
    let list: SharedDescriptor?

    init(_ name: FilePath, in parent: CgroupParent, _ settings: [GroupSetting]) throws(SystemError) {
        let path = parent.path.appending(name.components)
        try Directory(parent.path).makeDirectory(name)
        self.parent = parent
        do throws(SystemError) {
            let directory = try Directory(path)
            try system("lock", path) { flock(directory.descriptor.rawValue, LOCK_SH) }
            for setting in settings { try Self.apply(setting, to: directory, in: parent) }
            let isEntered = !parent.isUnified || !Self.canBeBornInGroup
            list =
                isEntered
                ? SharedDescriptor(try directory.open(parent.isUnified ? "cgroup.procs" : "tasks", .write)) : nil
            self.directory = directory
        } catch {
            _ = unsafe path.withPlatformString { unsafe rmdir($0) }
            throw error
        }
    }

    /// True if clone3 is available; filters like Docker's deny it.
    private static let canBeBornInGroup = clinux_has_clone3() == 1

    private static func apply(
        _ setting: GroupSetting, to directory: borrowing Directory, in parent: CgroupParent
    ) throws(SystemError) {
        let value: [UInt8]
        switch setting.value {
        case .text(let text): value = Array(text.utf8)
        case .inherited: value = try Directory(parent.path).open(setting.file).readAll(limit: 1 << 16)
        }
        do throws(SystemError) {
            try directory.open(setting.file, .write).write(value)
        } catch {
            switch (setting.exception, error.errno) {
            case (.missingFile, .noSuchFileOrDirectory), (.lowerAbove, .invalidArgument): return
            default: throw error
            }
        }
    }

    func remove() { removeGroup(directory.path) }
}

/// Removes a group; retries for up to 100 ms while its last process is still exiting.
private func removeGroup(_ path: FilePath) {
    for _ in 0..<100 {
        let code = unsafe path.withPlatformString { unsafe rmdir($0) }
        if code == 0 || Glibc.errno != EBUSY { return }
        usleep(1000)
    }
}
