// Directories stacked into one by overlayfs.
//
//     upper ──────── files written here          (with work, its scratch directory on the same file system)
//     lowers[0] ──── topmost layer
//     lowers[1] ──── the layer below it
//     ...

internal import Glibc
public import SystemPackage

extension Mount {
    /// The options of an overlay besides its directories.
    public struct OverlayOptions: Sendable {
        /// Never syncs the upper directory: for one that is discarded after a crash.
        public var isVolatile: Bool
        /// Keeps overlay's attributes in `user.*`; nil means only in a user namespace, which needs this.
        public var usesUserAttributes: Bool?

        /// A user namespace whose map applies to the files' owners; nil for the owners on disk.
        public var ownerMap: Int32?

        /// Default options: upper is not synced.
        public init(isVolatile: Bool = true, usesUserAttributes: Bool? = nil, ownerMap: Int32? = nil) {
            self.isVolatile = isVolatile
            self.usesUserAttributes = usesUserAttributes
            self.ownerMap = ownerMap
        }
    }

    /// Stacks `lowers`, topmost first, below `upper`; without an upper directory the result is read-only.
    ///
    /// A renamed directory and a file with a changed mode are copied completely, so that upper can be read as a layer.
    /// Since Linux 6.5 the kernel's limit is 500 layers; before, all their paths must fit in one page.
    public static func overlay(
        lowers: [FilePath], upper: FilePath?, work: FilePath?, options: OverlayOptions = OverlayOptions(),
        attributes: MountAttributes = []
    ) throws(SystemError) -> Mount {
        precondition(!lowers.isEmpty, "an overlay needs a lower directory")
        // overlayfs without an upper directory needs two lowers; a single one is bind-mounted.
        if upper == nil, lowers.count == 1 {
            let mount = try bind(lowers[0], attributes: attributes.union(.readOnly), recursive: false)
            if let users = options.ownerMap { try mount.map(users: users, lowers[0], recursive: false) }
            return mount
        }
        guard let users = options.ownerMap else {
            return try stack(lowers, upper: upper, work: work, options: options) { (list) throws(SystemError) in
                try make("overlay", options: list, attributes: attributes)
            }
        }
        let base = commonDirectory(of: lowers + [upper, work].compactMap(\.self))
        func relative(_ path: FilePath) -> FilePath {
            FilePath(root: nil, path.components.dropFirst(base.components.count))
        }
        return try stack(lowers.map(relative), upper: upper.map(relative), work: work.map(relative), options: options) {
            (list) throws(SystemError) in
            let mount = try bind(base, recursive: false)
            try mount.map(users: users, base, recursive: false)
            return try make("overlay", in: mount, options: list, attributes: attributes)
        }
    }

    /// Returns the deepest directory that contains all of `paths`.
    private static func commonDirectory(of paths: [FilePath]) -> FilePath {
        var common = paths[0].removingLastComponent()
        for path in paths {
            while !path.starts(with: common) || path == common { common.removeLastComponent() }
        }
        return common
    }

    /// Makes an overlay; falls back to the option `lowerdir` on kernels without `lowerdir+`.
    private static func stack(
        _ lowers: [FilePath], upper: FilePath?, work: FilePath?, options: OverlayOptions,
        make: ([(key: String, value: String?)]) throws(SystemError) -> Mount
    ) throws(SystemError) -> Mount {
        var common: [(key: String, value: String?)] = []
        if let upper, let work {
            common = [("upperdir", upper.string), ("workdir", work.string)]
            if options.isVolatile { common.append(("volatile", nil)) }
        }
        common += [("redirect_dir", "nofollow"), ("metacopy", "off"), ("index", "off"), ("xino", "off")]
        let isInitial = try IDMap.isInitialNamespace()
        if options.usesUserAttributes ?? !isInitial { common.append(("userxattr", nil)) }
        do throws(SystemError) {
            return try make(lowers.map { ("lowerdir+", $0.string) } + common)
        } catch {
            guard error.operation.hasSuffix("lowerdir+"), error.errno == .invalidArgument else { throw error }
            return try make([("lowerdir", joined(lowers))] + common)
        }
    }

    /// Joins the lowers into one option, with overlay's escapes.
    private static func joined(_ lowers: [FilePath]) -> String {
        lowers.map { path in
            path.string.map { $0 == ":" || $0 == "\\" || $0 == "," ? "\\\($0)" : String($0) }.joined()
        }.joined(separator: ":")
    }
}
