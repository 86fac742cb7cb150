internal import Linux
public import OCI

/// The rules for the compiled forms of Python's modules, `__pycache__/NAME.TAG[.opt-N].pyc` (PEP 3147, PEP 488).
///
/// A form is valid by the header that `importlib` checks (PEP 552):
/// ```
/// 0      4       8               12            16
/// +------+-------+---------------+-------------+
/// | magic| flags | source mtime  | source size |   flags 0; with bit 0 there is a hash here, which is not checked
/// +------+-------+---------------+-------------+   without bit 1
/// ```
public enum PythonBytecode {
    /// The length of the header in bytes.
    public static let headerSize = 16

    /// True if a path is that of a compiled form, which Python reads only if its source exists.
    public static func isCompiled(_ path: ImagePath) -> Bool {
        path.name.hasSuffix(".pyc") && path.parent.name.elementsEqual("__pycache__".utf8)
    }

    /// Returns the path of the source: `a/b.py` for `a/__pycache__/b.cpython-311.opt-1.pyc`.
    public static func source(of path: ImagePath) -> ImagePath? {
        guard isCompiled(path), let stem = stem(of: path.name) else { return nil }
        return path.parent.parent.appending(stem + ".py".utf8)
    }

    /// Returns the name of the module: without `.pyc`, the optimization and the tag.
    private static func stem(of name: some RandomAccessCollection<UInt8>) -> [UInt8]? {
        var parts = Array(name).split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false).dropLast()
        if parts.count > 2, parts.last?.starts(with: "opt-".utf8) ?? false { parts.removeLast() }
        let stem = Array(parts.dropLast().joined(separator: ".".utf8))
        return stem.isEmpty ? nil : stem
    }

    /// True if a compiled form with this header is the one of `source`, or requires no check.
    public static func isFresh(_ header: [UInt8], _ source: FileTree.Inode) -> Bool {
        guard header.count == headerSize else { return false }
        if word(header, at: 4) & 1 == 1 { return true }
        return word(header, at: 8) == UInt32(truncatingIfNeeded: source.metadata.mtime.seconds)
            && word(header, at: 12) == UInt32(truncatingIfNeeded: source.kind.size)
    }

    private static func word(_ bytes: [UInt8], at offset: Int) -> UInt32 {
        (0..<4).reduce(0) { $0 | UInt32(bytes[offset + $1]) << (8 * UInt32($1)) }
    }
}
