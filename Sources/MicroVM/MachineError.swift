internal import Linux
public import SystemPackage

/// The reason why a machine could not be made, or was ended.
public enum MachineError: Error, Sendable, Equatable, CustomStringConvertible {
    /// There is no `/dev/kvm`, or this user may not open it.
    case unavailable(FilePath, Errno)
    /// The kernel's KVM lacks a capability, named as in its documentation.
    case incapable(String)
    /// KVM returned an error for an ioctl.
    case refused(String, Errno)
    /// An operation on a file or a descriptor of the host failed.
    case host(String, FilePath?, Errno)
    /// A kernel image that cannot be booted.
    case unbootableKernel(String)
    /// An invalid configuration.
    case impossible(String)
    /// A snapshot that cannot be restored.
    case brokenSnapshot(String)
    /// The guest did something that this machine doesn't support.
    case guestFault(String)

    /// The error in one sentence.
    public var description: String {
        switch self {
        case .unavailable(let device, .noSuchFileOrDirectory): "this machine has no \(device)"
        case .unavailable(let device, .permissionDenied):
            "\(device) may not be used by this user; members of group kvm may"
        case .unavailable(let device, let errno): "\(device) cannot be opened: \(errno)"
        case .incapable(let capability): "this machine's KVM lacks \(capability)"
        case .refused(let call, let errno): "KVM refused \(call): \(errno)"
        case .host(let operation, let path, let errno): "\(operation)\(path.map { " \($0)" } ?? ""): \(errno)"
        case .unbootableKernel(let reason): "the kernel cannot be booted: \(reason)"
        case .impossible(let reason): reason
        case .brokenSnapshot(let reason): "the snapshot cannot be restored: \(reason)"
        case .guestFault(let reason): "the guest was ended: \(reason)"
        }
    }
}

/// Opens a file of the host for reading.
func openFile(_ path: FilePath) throws(MachineError) -> OwnedDescriptor {
    do throws(SystemError) { return try OwnedDescriptor(path, [.read, .nonBlocking]) } catch {
        throw .host("open", path, error.errno)
    }
}

/// Returns the size of an open file in bytes.
func fileSize(_ file: borrowing OwnedDescriptor) throws(MachineError) -> UInt64 {
    do throws(SystemError) { return UInt64(clamping: try file.size()) } catch {
        throw .host(error.operation, error.path, error.errno)
    }
}
