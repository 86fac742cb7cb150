/// Files to keep beyond the needs of the image's program (`--keep`).
public enum KeepOption: String, Sendable, CaseIterable {
    /// `/bin/sh`, the shell's profile and the usual small tools.
    case shell
    /// All files of the CA certificates; the bundle and its directory are always kept.
    case certs
    /// Every time zone in every form; the zones themselves are always kept.
    case tzdata
    /// Compiled locales and translations.
    case locales
    /// The unchanged package database, with rows of removed packages.
    case packages

    /// Returns the extra of that name.
    public init(named name: String) throws(SlimError) {
        guard let extra = KeepOption(rawValue: name) else { throw .unknownKeepOption(name) }
        self = extra
    }
}

/// The user's choice of files to keep and drop.
public struct SlimOptions: Sendable {
    /// Kinds of files to keep.
    public var keep: Set<KeepOption>
    /// Paths to keep with all their needs.
    public var include: [ImagePathPattern]
    /// Paths to drop, even if there are reasons to keep them; directories of kept files remain.
    public var exclude: [ImagePathPattern]
    /// Paths that were opened while the image ran, to keep with all their needs.
    public var observed: [[UInt8]]

    public init(
        keep: Set<KeepOption> = [], include: [ImagePathPattern] = [], exclude: [ImagePathPattern] = [],
        observed: [[UInt8]] = []
    ) {
        self.observed = observed
        self.keep = keep
        self.include = include
        self.exclude = exclude
    }
}
