public import OCI

/// Why a path of an image is kept.
public enum Reason: Hashable, Sendable {
    /// The program that ENTRYPOINT, CMD or HEALTHCHECK names.
    case entrypoint(String)
    /// An argument or environment variable that names a file.
    case argument(String)
    /// A word of a shell's text that names a program.
    case command(in: ImagePath?)
    /// The loader, by a program that asks for it.
    case interpreter(of: ImagePath)
    /// A library, by a file that wants it.
    case elfClosure(by: ImagePath)
    /// A library that may be loaded at run time, by a file that names it.
    case dynamicLoad(by: ImagePath)
    /// The program that runs a script.
    case shebang(of: ImagePath)
    /// A symbolic link on the way to a path that is kept.
    case symlink(to: ImagePath)
    /// Where a symbolic link that is kept leads.
    case linked(from: ImagePath)
    /// A file that no package brought.
    case application
    /// A file of a package whose program or library is used.
    case package(String, by: ImagePath)
    /// A file that a kind of program needs without naming it.
    case profile(Profile)
    /// The compiled form of a Python source that is kept.
    case bytecode(of: ImagePath)
    /// What tells scanners and lawyers which packages are here.
    case packageMetadata
    /// The image's volume, working directory or the user's home.
    case declared(String)
    /// A pattern of `--include`.
    case userInclude(String)
    /// A file that was opened while the original ran and was asked.
    case observed
    /// A directory that holds something that is kept.
    case parentDirectory

    /// The name under which reports count it.
    public var name: String {
        switch self {
        case .entrypoint: "entrypoint"
        case .argument: "argument"
        case .command: "command"
        case .interpreter: "interpreter"
        case .elfClosure: "elfClosure"
        case .dynamicLoad: "dynamicLoad"
        case .shebang: "shebang"
        case .symlink, .linked: "symlink"
        case .application: "application"
        case .package: "package"
        case .profile: "profile"
        case .bytecode: "bytecode"
        case .packageMetadata: "packageMetadata"
        case .declared: "declared"
        case .userInclude: "userInclude"
        case .observed: "observed"
        case .parentDirectory: "parentDirectory"
        }
    }

    /// The path that brought it in, where one did.
    public var cause: ImagePath? {
        switch self {
        case .command(let path): path
        case .interpreter(let path), .elfClosure(let path), .dynamicLoad(let path), .shebang(let path),
            .symlink(let path), .linked(let path), .package(_, let path), .bytecode(let path):
            path
        case .entrypoint, .argument, .application, .profile, .packageMetadata, .declared, .userInclude,
            .observed, .parentDirectory:
            nil
        }
    }

    /// Whether the file is there to be run or loaded, so that what its package brings along is wanted too.
    var isUse: Bool {
        switch self {
        case .entrypoint, .argument, .command, .interpreter, .elfClosure, .dynamicLoad, .shebang, .package,
            .userInclude, .observed:
            true
        case .symlink, .linked, .application, .profile, .bytecode, .packageMetadata, .declared, .parentDirectory: false
        }
    }
}

extension Reason: CustomStringConvertible {
    public var description: String {
        switch self {
        case .entrypoint(let text): "is the program of \(text)"
        case .argument(let text): "is named by \(text)"
        case .command(let path): "is a command in \(path?.description ?? "the image's command line")"
        case .interpreter(let path): "loads \(path)"
        case .elfClosure(let path): "is a library of \(path)"
        case .dynamicLoad(let path): "may be loaded by \(path)"
        case .shebang(let path): "runs \(path)"
        case .symlink(let path): "leads to \(path)"
        case .linked(let path): "is where \(path) leads"
        case .application: "belongs to no package"
        case .package(let name, let path): "belongs to the package \(name) of \(path)"
        case .profile(let profile): "is needed by \(profile.description)"
        case .bytecode(let path): "is the compiled form of \(path)"
        case .packageMetadata: "tells which packages are here"
        case .declared(let text): "is the image's \(text)"
        case .userInclude(let pattern): "matches --include \(pattern)"
        case .observed: "was opened while the original ran"
        case .parentDirectory: "holds what is kept"
        }
    }
}

/// A kind of program that needs files without naming them.
public enum Profile: String, Hashable, Sendable, CaseIterable, CustomStringConvertible {
    case any, glibc, openssl, python, perl, pam, shell, certs, tzdata, locales

    public var description: String {
        switch self {
        case .any: "any program"
        case .glibc: "programs of glibc"
        case .openssl: "users of OpenSSL"
        case .python: "Python"
        case .perl: "Perl"
        case .pam: "users of PAM"
        case .shell: "the shell"
        case .certs: "users of TLS"
        case .tzdata: "users of time zones"
        case .locales: "users of locales"
        }
    }
}
