// Which system calls the kernel answers.

/// Which system calls a command may make.
public enum SeccompProfile: Sendable, Hashable {
    /// Those of Docker's default profile, for the command's capabilities.
    case standard
    /// All.
    case off
}
