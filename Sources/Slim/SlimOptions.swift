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

/// The files that a plan may drop (`--level`).
public enum SlimLevel: String, Sendable, CaseIterable {
    /// Only files that no program reads at run time: caches, manuals, package managers and their scripts.
    case safe
    /// Everything that the program, its libraries, its scripts and their packages don't need.
    case closure
    /// Also the files of used packages that were not opened while the image ran and that no program names.
    case trace
}

/// The layers of a slim image (`--layers`).
public enum SlimLayers: Sendable, Equatable {
    /// One layer.
    case flat
    /// As many of the lowest layers untouched as cost at most 5 % of the files' bytes, and one layer with the others.
    case auto
    /// This many of the lowest layers untouched, whatever they cost, and one layer with the other files.
    case keep(Int)
}

/// The user's choice of files to keep and drop.
public struct SlimOptions: Sendable {
    /// The files that may be dropped at all.
    public var level: SlimLevel
    /// Kinds of files to keep.
    public var keep: Set<KeepOption>
    /// Paths to keep with all their needs.
    public var include: [ImagePathPattern]
    /// Paths to drop; a program or library that a kept file needs is refused.
    public var exclude: [ImagePathPattern]
    /// Paths that were opened while the image ran, to keep with all their needs.
    public var observed: [[UInt8]]
    /// The layers of the slim image.
    public var layers = SlimLayers.flat

    public init(
        level: SlimLevel = .closure, keep: Set<KeepOption> = [], include: [ImagePathPattern] = [],
        exclude: [ImagePathPattern] = [], observed: [[UInt8]] = []
    ) {
        self.level = level
        self.observed = observed
        self.keep = keep
        self.include = include
        self.exclude = exclude
    }
}
