internal import CLinux

/// The C library's heap.
public enum Heap {
    /// Gives free memory back to the kernel, and from now on large pieces as soon as they are freed.
    public static func giveBack() { clinux_give_back() }
}
