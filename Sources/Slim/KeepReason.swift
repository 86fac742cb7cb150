public import OCI

/// The reason that a path of an image is kept.
public enum KeepReason: Hashable, Sendable {
    /// The program of ENTRYPOINT, CMD or HEALTHCHECK.
    case entrypoint(String)
    /// An argument or environment variable that names a file.
    case argument(String)
    /// A word of a shell's text that names a program.
    case command(in: ImagePath?)
    /// The loader, needed by a program.
    case interpreter(of: ImagePath)
    /// A library, needed by a file.
    case elfClosure(by: ImagePath)
    /// A library that may be loaded at run time, by a file that names it.
    case dynamicLoad(by: ImagePath)
    /// The program that runs a script.
    case shebang(of: ImagePath)
    /// A symbolic link on the way to a kept path.
    case symlink(to: ImagePath)
    /// The target of a kept symbolic link.
    case linked(from: ImagePath)
    /// A file that no package owns.
    case application
    /// A file of a package whose program or library is used.
    case package(String, by: ImagePath)
    /// A file that a kind of program needs without naming it; the program, if there is one.
    case profile(Profile, by: ImagePath?)
    /// The compiled form of a kept Python source.
    case bytecode(of: ImagePath)
    /// Package databases and licences, which scanners and lawyers read.
    case packageMetadata
    /// The image's volume, working directory or the user's home.
    case declared(String)
    /// A pattern of `--include`.
    case userInclude(String)
    /// A file that was opened while the original ran its probes.
    case observed
    /// A file that the level doesn't drop.
    case level(SlimLevel)
    /// A file of a layer that stays untouched.
    case layer(Int)
    /// A directory that contains a kept path.
    case parentDirectory(of: ImagePath)

    /// The name in reports.
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
        case .level: "level"
        case .layer: "layer"
        case .parentDirectory: "parentDirectory"
        }
    }

    /// The path that caused it, if any.
    public var cause: ImagePath? {
        switch self {
        case .command(let path), .profile(_, let path): path
        case .interpreter(let path), .elfClosure(let path), .dynamicLoad(let path), .shebang(let path),
            .symlink(let path), .linked(let path), .package(_, let path), .bytecode(let path),
            .parentDirectory(let path):
            path
        case .entrypoint, .argument, .application, .packageMetadata, .declared, .userInclude, .observed, .level,
            .layer:
            nil
        }
    }

    /// True if the file is executed or loaded, so that its package's files are needed too.
    var isUse: Bool {
        switch self {
        case .entrypoint, .argument, .command, .interpreter, .elfClosure, .dynamicLoad, .shebang, .package,
            .userInclude, .observed:
            true
        case .symlink, .linked, .application, .profile, .bytecode, .packageMetadata, .declared, .level,
            .layer, .parentDirectory:
            false
        }
    }

    /// True if the file may be run or read by itself, and not only as a part of its package.
    var isRun: Bool {
        switch self {
        case .entrypoint, .argument, .command, .shebang, .userInclude, .observed, .application: true
        default: false
        }
    }

    /// True if a kept file can't start without this one, so that it can't be excluded.
    var isRequirement: Bool {
        switch self {
        case .entrypoint, .interpreter, .elfClosure, .shebang: true
        default: false
        }
    }

    /// The place among the reasons of one path: the lowest tells the most.
    var rank: Int {
        switch self {
        case .entrypoint: 0
        case .userInclude: 1
        case .application: 2
        case .declared: 3
        case .argument: 4
        case .command: 5
        case .interpreter: 6
        case .elfClosure: 7
        case .shebang: 8
        case .dynamicLoad: 9
        case .profile: 10
        case .observed: 11
        case .package: 12
        case .bytecode: 13
        case .symlink, .linked: 14
        case .packageMetadata: 15
        case .level: 16
        case .layer: 17
        case .parentDirectory: 18
        }
    }
}

extension KeepReason: CustomStringConvertible {
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
        case .linked(let path): "is the target of \(path)"
        case .application: "belongs to no package"
        case .package(let name, let path): "belongs to the package \(name) of \(path)"
        case .profile(let profile, let path): "is needed by \(profile.description)\(path.map { ", for \($0)" } ?? "")"
        case .bytecode(let path): "is the compiled form of \(path)"
        case .packageMetadata: "describes the installed packages"
        case .declared(let text): "is the image's \(text)"
        case .userInclude(let pattern): "matches --include \(pattern)"
        case .observed: "was opened while the original ran"
        case .level(let level): "may be read at run time, so level \(level.rawValue) keeps it"
        case .layer(let index): "is in layer \(index + 1), which stays as it is"
        case .parentDirectory(let path): "contains \(path)"
        }
    }
}
