// A control group for a process outside of containers: a virtual machine's.

internal import CLinux
internal import Glibc
internal import Linux
internal import SystemPackage

/// A group that limits the memory and the threads of one process; removed with its last reference.
public final class ProcessGroup: Sendable {
    /// The files into which a process writes its PID, open for writing as long as this object exists.
    public var lists: [Int32] { group.lists + (unified.map { [$0.rawValue] } ?? []) }

    private let group: ControlGroup
    private let unified: SharedDescriptor?

    /// Makes a group; nil if this process may not make one.
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
                return SharedDescriptor(OwnedDescriptor(owning: file))
            }
        } catch {
            // This user has no control group to make groups in, which is an expected state.
            return nil
        }
    }
}
