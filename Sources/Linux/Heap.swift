internal import CLinux

/// The C library's heap.
public enum Heap {
    /// Returns free memory to the kernel, and from now on large blocks as soon as they are freed.
    public static func trim() { clinux_trim_heap() }
}
