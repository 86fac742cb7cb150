internal import CKVM
internal import Glibc
internal import SystemPackage

/// What a thread may still do once it serves a guest: what it needs, so that a guest that takes it over has gained nothing.
///
/// No new privileges; no files that are not open yet, no TCP, no abstract UNIX sockets and no signals to others (Landlock,
/// as far as the kernel has it); and a list of system calls, with `KVM_RUN` the one ioctl of a processor's thread. A call
/// that is not on the list ends the process.
enum Jail {
    /// A machine's own process, before it makes the machine; its threads enter one of the others besides.
    case process
    case processor
    case devices

    /// Confines the calling thread for the rest of its life.
    func enter() throws(MachineError) {
        try Jail.must("forbid privileges to a thread", ckvm_forbid_privileges())
        try Jail.must("forbid files and sockets to a thread", ckvm_forbid_surroundings())
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
