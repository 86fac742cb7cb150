// The network that a container sees.

internal import Glibc
internal import SystemPackage

/// The network that a container sees.
public enum Network: Sendable, Hashable {
    /// The host's network.
    case host
    /// A network of its own with only a loopback interface, which is up.
    case none
    /// A network of its own that reaches other machines, but nothing on this machine's loopback.
    ///
    /// It needs Debian's passt package, see ``isIsolationAvailable``.
    case isolated

    /// True if ``isolated`` can work here: `pasta` is on the PATH and the kernel has tap devices.
    public static var isIsolationAvailable: Bool { isolationUnavailable == nil }

    /// The program that connects isolated networks.
    static var pasta: FilePath? {
        let path = unsafe getenv("PATH").map { unsafe String(cString: $0) } ?? "/usr/bin:/bin"
        return path.split(separator: ":").map { FilePath(String($0)).appending("pasta") }.first { place in
            unsafe place.withPlatformString { unsafe access($0, X_OK) } == 0
        }
    }
}
