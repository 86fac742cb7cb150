// Control groups for a process that is no container: a virtual machine's.

internal import CLinux
internal import Glibc
internal import Linux
internal import SystemPackage

/// A group that limits the memory and the number of threads of one process; it is removed when nothing uses it any more.
public final class ProcessGroup: Sendable {
    /// The files in which a process enters itself, open for writing as long as this lives.
    public var lists: [Int32] { group.lists + (unified.map { [$0.descriptor.rawValue] } ?? []) }

    private let group: ControlGroup
    private let unified: List?

    private final class List: Sendable {
        let descriptor: OwnedDescriptor

        init(_ descriptor: consuming OwnedDescriptor) {
            self.descriptor = descriptor
        }
    }

    /// Makes a group; nil where this process may make none.
    public init?(memory byteCount: UInt64, threads: Int) {
        var command = Command([])
        command.memoryLimit = Int64(clamping: byteCount)
        command.processLimit = threads
        do throws(SystemError) {
            guard let group = try ControlGroup(for: command) else { return nil }
            self.group = group
            unified = try group.unified.map { directory throws(SystemError) in
                let file = try system("open", "cgroup.procs") {
                    unsafe clinux_openat(directory, "cgroup.procs", O_WRONLY, 0)
                }
                return List(OwnedDescriptor(owning: file))
            }
        } catch {
            // A machine that lends no groups to this user has said so.
            return nil
        }
    }
}
