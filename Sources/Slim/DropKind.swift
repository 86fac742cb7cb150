internal import ImageFiles
internal import OCI

/// The class of a file that no program reads at run time, or the reason that nothing keeps it.
public enum DropKind: String, Sendable, CaseIterable {
    /// Files that are made again, such as lists of packages.
    case cache
    /// Manuals, examples and other texts for people.
    case documentation
    /// Messages in other languages, and sources of locales.
    case translation
    /// Headers, static libraries and settings of compilers.
    case development
    /// Scripts and settings for the administrator of a whole system.
    case administration
    /// Programs that install software, and their databases.
    case packageManager
    /// Logs and files of a process that has ended.
    case temporary
    /// A match of `--exclude`.
    case excluded
    /// A file that nothing needs.
    case unreached

    /// The reason in a sentence about a dropped file.
    public var text: String {
        switch self {
        case .cache: "it is a cache"
        case .documentation: "it is documentation"
        case .translation: "it is a translation"
        case .development: "only compilers need it"
        case .administration: "only administrators need it"
        case .packageManager: "it belongs to a package manager"
        case .temporary: "it is a temporary file"
        case .excluded: "it matches --exclude"
        case .unreached: "nothing needs it"
        }
    }

    /// True for a class that level `safe` drops.
    var isSafe: Bool {
        switch self {
        case .cache, .documentation, .packageManager, .temporary, .excluded: true
        case .translation, .development, .administration, .unreached: false
        }
    }

    /// True for a class that a used package is kept without.
    var isOutsidePackages: Bool {
        switch self {
        case .documentation, .translation, .development, .administration, .packageManager, .excluded: true
        case .cache, .temporary, .unreached: false
        }
    }
}

extension DropKind {
    private static func paths(_ list: [String]) -> [ImagePath] { list.map { .known($0) } }

    /// Directories of one class; the first that contains a path decides.
    private static let directories: [(kind: DropKind, paths: [ImagePath])] = [
        (
            .documentation,
            paths([
                "usr/share/doc", "usr/share/man", "usr/share/info", "usr/share/lintian", "usr/share/bug",
                "usr/share/doc-base", "usr/share/gtk-doc", "usr/local/share/doc", "usr/local/share/man",
                "usr/local/share/info", "usr/local/man",
            ])
        ), (.translation, paths(["usr/share/locale", "usr/share/i18n"])),
        (
            .cache,
            paths([
                "var/cache/apk", "var/cache/apt", "var/cache/debconf", "var/cache/dnf", "var/cache/fontconfig",
                "var/cache/ldconfig", "var/cache/man", "var/cache/yum", "var/lib/apt/lists", "root/.cache", "root/.npm",
                "var/backups",
            ])
        ), (.temporary, paths(["var/log", "var/tmp", "tmp", "run", "var/run"])),
        (
            .packageManager,
            paths([
                "etc/apt", "etc/dpkg", "usr/lib/apt", "usr/lib/dpkg", "usr/share/dpkg", "usr/share/debconf",
                "usr/share/perl5/Debconf", "usr/share/perl5/Debian", "var/lib/apt", "var/lib/dpkg", "var/lib/ucf",
                "lib/apk", "etc/apk",
            ])
        ), (.development, paths(["usr/include", "usr/local/include", "usr/share/pkgconfig", "usr/share/aclocal"])),
        (
            .administration,
            paths([
                "usr/share/bash-completion", "usr/share/zsh", "usr/share/fish", "usr/share/gdb", "usr/share/gcc",
                "usr/share/menu", "usr/share/pixmaps", "usr/share/applications", "usr/share/binfmts",
                "usr/share/apport", "usr/share/icons", "etc/init.d", "etc/cron.d", "etc/cron.daily",
                "etc/cron.weekly", "etc/cron.hourly", "etc/cron.monthly", "etc/logrotate.d", "etc/bash_completion.d",
                "etc/apparmor.d", "lib/systemd", "usr/lib/systemd", "usr/lib/binfmt.d", "usr/lib/tmpfiles.d",
                "usr/lib/sysusers.d", "usr/lib/udev", "lib/udev", "usr/share/ucf",
                "usr/lib/ssl/misc",
            ])
        ),
    ]

    /// Packages that install, configure or remove others.
    private static let managers: Set<String> = [
        "apt", "apt-utils", "aptitude", "dpkg", "dpkg-dev", "debconf", "debconf-i18n", "ucf", "apk-tools", "adduser",
        "debian-archive-keyring", "gpgv", "init-system-helpers", "cdebconf",
    ]

    /// True for a package that installs, configures or removes others.
    static func isManager(_ package: String) -> Bool { managers.contains(package) }

    /// Programs for administrators, which packages bring along.
    private static let administrators: Set<String> = [
        "c_rehash", "ucf", "ucfq", "ucfr", "lcf", "py3compile", "py3clean", "py3versions", "pycompile", "pyclean",
        "phpenmod", "phpdismod", "phpquery", "nginx-debug", "invoke-rc.d", "service",
    ]

    /// Returns the class of a path by its name, if it has one.
    ///
    /// - Parameter package: The name of its package.
    init?(_ path: ImagePath, package: String?) {
        if let kind = Self.directories.first(where: { $0.paths.contains { path.isWithin($0) } })?.kind {
            self = kind
        } else if let package, Self.isManager(package) {
            self = .packageManager
        } else if InstallerBundle(containing: path) != nil {
            self = .packageManager
        } else if Self.isAdministrative(path) {
            self = .administration
        } else if Self.isOfCompiler(path) {
            self = .development
        } else {
            return nil
        }
    }

    private static func isAdministrative(_ path: ImagePath) -> Bool {
        guard path.parent.name.hasSuffix("bin") else { return false }
        let name = path.name.text
        return administrators.contains(name) || name.hasPrefix("update-") || name.hasPrefix("dpkg-")
            || name.hasPrefix("deb-systemd-")
    }

    /// True for static libraries and the settings with which programs are linked.
    private static func isOfCompiler(_ path: ImagePath) -> Bool {
        let (name, above) = (path.name, path.parent.name)
        if name.hasSuffix(".a") || name.hasSuffix(".la") { return true }
        return above.elementsEqual("pkgconfig".utf8) && name.hasSuffix(".pc")
    }
}

/// A program that installs software and isn't a package of the distribution: pip, npm and their like.
struct InstallerBundle: Hashable {
    /// The directory of all its files.
    let directory: ImagePath
    /// Its name.
    let name: String

    private static let libraries = ["usr/local/lib/node_modules", "usr/lib/node_modules"]
    private static let names = ["npm", "corepack"]

    /// Returns the bundle that has a path, if any.
    init?(containing path: ImagePath) {
        let parts = path.components
        if let place = parts.firstIndex(where: { $0.elementsEqual("site-packages".utf8) }), parts.count > place + 1,
            let name = parts.dropFirst(place + 1).first,
            name.elementsEqual("pip".utf8) || (name.hasPrefix("pip-") && name.hasSuffix(".dist-info"))
        {
            let above = parts.prefix(place + 1).reduce(ImagePath.root) { $0.appending($1) }
            self.name = "pip"
            directory = above.appending("pip".utf8)
            return
        }
        for library in Self.libraries {
            for name in Self.names where path.isWithin(.known("\(library)/\(name)")) {
                self.name = name
                directory = .known("\(library)/\(name)")
                return
            }
        }
        return nil
    }
}
