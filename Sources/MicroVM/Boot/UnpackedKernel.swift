public import SystemPackage

/// A kernel that another machine than ours boots without unpacking it in the guest.
public enum UnpackedKernel {
    /// Returns the ELF file of a kernel with a PVH entry: the file itself, or the one inside a bzImage, kept in `cache`.
    ///
    /// It is nil for a kernel without that entry, and for a bzImage that only unpacks itself.
    public static func path(of kernel: FilePath, cache: FilePath) throws(MachineError) -> FilePath? {
        let image = try KernelImage(opening: kernel, cache: cache)
        guard case .pvh = image.entry else { return nil }
        return image.path
    }
}
