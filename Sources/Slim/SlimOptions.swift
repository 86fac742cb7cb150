/// What to keep beyond what the image's program needs (`--keep`).
public enum Extra: String, Sendable, CaseIterable {
    /// `/bin/sh`, the shell's profile and the usual small tools.
    case shell
    /// Everything of the CA certificates; the bundle and its directory are kept without asking.
    case certs
    /// Every time zone in every form; the zones themselves are kept without asking.
    case tzdata
    /// Compiled locales and translations.
    case locales
    /// The package database as it was, rows of removed packages too.
    case packages

    /// The extra of that name.
    public init(named name: String) throws(SlimError) {
        guard let extra = Extra(rawValue: name) else { throw .unknownExtra(name) }
        self = extra
    }
}

/// What a person says about what stays.
public struct SlimOptions: Sendable {
    /// Kinds of files to keep.
    public var keep: Set<Extra>
    /// Paths to keep with all that they need.
    public var include: [PathPattern]
    /// Paths to drop, whatever speaks for them. Directories that hold kept files stay.
    public var exclude: [PathPattern]
    /// Paths that were opened while the image ran, to keep with all that they need.
    public var observed: [[UInt8]]

    /// Options of known parts.
    public init(
        keep: Set<Extra> = [], include: [PathPattern] = [], exclude: [PathPattern] = [], observed: [[UInt8]] = []
    ) {
        self.observed = observed
        self.keep = keep
        self.include = include
        self.exclude = exclude
    }
}
