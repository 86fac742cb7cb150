internal import CKVM
internal import Glibc
internal import SystemPackage

/// The confinement of a thread that serves a guest: it keeps only what it needs.
///
/// A guest that takes the thread over has then gained nothing. A confined thread gets no new privileges. Landlock, as
/// far as the kernel has it, forbids files that are not open yet, TCP, abstract UNIX sockets, and signals to others. A
/// filter lists the allowed system calls, with `KVM_RUN` the one ioctl of a processor's thread. A call that is not on
/// the list ends the process.
enum Jail {
    /// A machine's own process, before it makes the machine; its threads also enter one of the others.
    case process
    case processor
    case devices

    /// Confines the calling thread until it ends.
    func enter() throws(MachineError) {
        try Jail.must("set no_new_privs for a thread", ckvm_forbid_privileges())
        try Jail.must("confine a thread with Landlock", ckvm_forbid_files_and_sockets())
        try Jail.must("filter a thread's system calls", filter())
    }

    private func filter() -> Int32 {
        switch self {
        case .process: ckvm_allow_machine()
        case .processor: ckvm_allow_processor()
        case .devices: ckvm_allow_devices()
        }
    }

    private static func must(_ operation: String, _ result: Int32) throws(MachineError) {
        guard result == 0 else { throw .host(operation, nil, Errno(rawValue: errno)) }
    }
}
