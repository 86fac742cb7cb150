// Groups in which this process may make control groups, found in /proc.
//
//     v2      one hierarchy for all controllers           /sys/fs/cgroup
//     v1      one for each, or for a few                  /sys/fs/cgroup/pids, /sys/fs/cgroup/memory
//     hybrid  v1, and an empty v2 beside it               /sys/fs/cgroup/unified

internal import Glibc
internal import Linux
internal import SystemPackage

/// A controller of groups, by the kernel's name.
enum Controller: String, CaseIterable, Sendable {
    case processes = "pids"
    case memory
    case cpuTime = "cpu"
    case cpuSet = "cpuset"
}

/// A hierarchy of control groups that has a controller, and this process's own group in it.
struct Hierarchy: Sendable, Hashable {
    /// The mount point.
    let mount: FilePath
    /// This process's group.
    let own: FilePath
    /// True for the hierarchy of cgroup v2.
    let isUnified: Bool

    /// Returns the hierarchies that may have `controller`, the certain one first.
    ///
    /// - Parameters:
    ///   - groups: The text of /proc/self/cgroup.
    ///   - mounts: The text of /proc/self/mountinfo.
    static func candidates(for controller: Controller, groups: String, mounts: String) -> [Hierarchy] {
        let table = mounts.split(separator: "\n").compactMap { MountLine($0) }
        return groups.split(separator: "\n").compactMap { line -> Hierarchy? in
            let fields = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
            guard fields.count == 3 else { return nil }
            let isUnified = fields[0] == "0" && fields[1].isEmpty
            let controllers = fields[1].split(separator: ",")
            guard isUnified || controllers.contains(where: { $0 == controller.rawValue }) else { return nil }
            let found = table.last { row in
                isUnified
                    ? row.type == "cgroup2"
                    : row.type == "cgroup" && row.options.contains { $0 == controller.rawValue }
            }
            return found.map { Hierarchy($0, group: String(fields[2]), isUnified: isUnified) }
        }.sorted { !$0.isUnified && $1.isUnified }
    }

    /// Returns the mount points of all hierarchies.
    static func mounts(in table: String) -> [FilePath] {
        table.split(separator: "\n").compactMap { MountLine($0) }.filter { $0.type.hasPrefix("cgroup") }.map(\.target)
    }

    private init(_ mount: MountLine, group: String, isUnified: Bool) {
        self.mount = mount.target
        self.isUnified = isUnified
        // In a container the mount may show only a part of the hierarchy.
        var below = FilePath(group)
        if !below.removePrefix(FilePath(mount.root)) { below = "" }
        own = mount.target.appending(below.components.filter { $0.kind == .regular })
    }

    /// Returns the group in which groups for `controller` can be made; nil if there is none.
    ///
    /// In v2 a group with processes can't enable a controller for its children. So this is the nearest group above that
    /// does.
    func parent(for controller: Controller) -> FilePath? {
        guard isUnified else { return isWritable(own) ? own : nil }
        var group = own
        while group.starts(with: mount) {
            if hands(controller, from: group), isWritable(group) { return group }
            guard group != mount else { return nil }
            group.removeLastComponent()
        }
        return nil
    }

    private func hands(_ controller: Controller, from group: FilePath) -> Bool {
        // A file that can't be read enables no controller.
        guard let file = try? OwnedDescriptor(group.appending("cgroup.subtree_control")),
            let text = try? file.readAll(limit: 1 << 16)
        else { return false }
        return String(decoding: text, as: UTF8.self).split { $0 == " " || $0 == "\n" }
            .contains { $0 == controller.rawValue }
    }

    private func isWritable(_ group: FilePath) -> Bool {
        unsafe group.withPlatformString { unsafe access($0, W_OK) } == 0
    }
}

/// A line of /proc/self/mountinfo.
///
///     36 35 98:0 /root /target rw,noatime master:1 - type source options
private struct MountLine {
    let root: String
    let target: FilePath
    let type: Substring
    let options: [Substring]

    init?(_ line: Substring) {
        let halves = line.split(separator: " - ", maxSplits: 1)
        guard halves.count == 2 else { return nil }
        let left = halves[0].split(separator: " ")
        let right = halves[1].split(separator: " ")
        guard left.count >= 5, right.count >= 3 else { return nil }
        root = Self.unescaped(left[3])
        target = FilePath(Self.unescaped(left[4]))
        type = right[0]
        options = right[2].split(separator: ",")
    }

    /// Decodes the octal escapes of mountinfo: a blank is `\\040`.
    private static func unescaped(_ text: Substring) -> String {
        var bytes: [UInt8] = []
        var rest = Array(text.utf8)[...]
        while let byte = rest.popFirst() {
            let digits = rest.prefix(3)
            if byte == 0x5c, digits.count == 3, let value = UInt8(String(decoding: digits, as: UTF8.self), radix: 8) {
                bytes.append(value)
                rest = rest.dropFirst(3)
            } else {
                bytes.append(byte)
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
