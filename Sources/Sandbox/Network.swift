// Which network a container sees.

internal import Glibc
internal import SystemPackage

/// Which network a container sees.
public enum Network: Sendable, Hashable {
    /// The host's.
    case host
    /// One of its own that holds nothing but loopback, which is up.
    case none
    /// One of its own from which the world can be reached, but not what listens on this machine's loopback.
    ///
    /// It takes Debian's passt package, see ``isIsolationAvailable``.
    case isolated

    /// True if ``isolated`` can work here: `pasta` is on the PATH and the kernel has tap devices.
    public static var isIsolationAvailable: Bool { isolationObstacle == nil }

    /// The program that connects isolated networks.
    static var pasta: FilePath? {
        let path = unsafe getenv("PATH").map { unsafe String(cString: $0) } ?? "/usr/bin:/bin"
        return path.split(separator: ":").map { FilePath(String($0)).appending("pasta") }.first { place in
            unsafe place.withPlatformString { unsafe access($0, X_OK) } == 0
        }
    }
}
