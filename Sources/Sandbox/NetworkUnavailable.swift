// The reasons for which a container can't have an isolated network, and their remedies.

internal import Glibc
internal import Linux
public import SystemPackage

/// The reason for which a container can't have an isolated network on this machine.
public enum NetworkUnavailable: Error, Sendable, Hashable, CustomStringConvertible {
    /// `pasta` is not on the PATH.
    case noProgram
    /// /dev/net/tun can't be opened.
    case noDevice(Errno)
    /// `pasta` exited; its last message.
    case failed(String)

    /// One sentence.
    public var description: String {
        switch self {
        case .noProgram: "pasta, which connects a network of its own, is not installed"
        case .noDevice(let errno): "/dev/net/tun cannot be opened: \(errno)"
        case .failed(let message): "pasta failed: \(message)"
        }
    }

    /// The remedy.
    public var remedy: String {
        switch self {
        case .noProgram: "apt-get install passt"
        case .noDevice: "as root: modprobe tun; in a container, start that with --device /dev/net/tun"
        case .failed: "check that this machine has a network and that pasta (package passt) works on it"
        }
    }
}

extension Network {
    /// An obstacle that can be found without making a network; nil for none.
    public static var isolationUnavailable: NetworkUnavailable? {
        guard pasta != nil else { return .noProgram }
        guard unsafe access("/dev/net/tun", R_OK | W_OK) == 0 else { return .noDevice(Errno(rawValue: errno)) }
        return nil
    }

    /// Makes an isolated network and removes it; returns the obstacle if that fails.
    public static func tryIsolation() throws -> NetworkUnavailable? {
        if let isolationUnavailable { return isolationUnavailable }
        do {
            try IsolatedNetwork(PrivateUsers.expected(for: .separate), reachesHost: false).end()
            return nil
        } catch SandboxError.network(let message) {
            return .failed(message)
        }
    }
}
