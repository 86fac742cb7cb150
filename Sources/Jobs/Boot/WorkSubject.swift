internal import ImageFiles
internal import OCI

/// The subject of a part of the work, which has the same name in two versions of an image.
enum WorkSubject: Hashable {
    /// Python sources that CPython compiles at the start, since they have no valid bytecode.
    case compiled
    /// A package of an interpreter, by its directory in `site-packages` or `node_modules`.
    case package(String)
    /// A top-level module of Python's own library.
    case library(String)
    /// Another module of an interpreter.
    case module(String)
    /// The loader of shared libraries.
    case linker(program: String)
    /// A shell, with all that it does itself.
    case shell(String)
    /// The kernel, for a program outside of modules.
    case kernel(program: String)
    /// Code of an executable file.
    case code(object: String, program: String)
    /// Code that no file has.
    case generated(program: String)
    /// The time of a program without samples before its first file.
    case start(program: String)

    private static let shells: Set<String> = ["sh", "bash", "dash", "ash", "zsh", "busybox"]

    /// Classifies a part.
    ///
    /// - Parameter isCompiled: True if its module is one that CPython compiles.
    init(_ part: WorkPart, isCompiled: Bool) {
        if Self.shells.contains(part.program) {
            self = .shell(part.program)
        } else if let module = part.module {
            self = isCompiled ? .compiled : .init(module: module.path)
        } else if part.object.map({ Self.isLinker($0.path) }) == true {
            self = .linker(program: part.program)
        } else if part.isKernel {
            self = .kernel(program: part.program)
        } else if let object = part.object {
            self = .code(object: object.path, program: part.program)
        } else {
            self = part.isSampled ? .generated(program: part.program) : .start(program: part.program)
        }
    }

    private init(module path: String) {
        let words = path.split(separator: "/").map(String.init)
        let source = Self.source(ofModule: path)
        if let place = words.lastIndex(where: { ["site-packages", "dist-packages", "node_modules"].contains($0) }),
            place + 2 < words.count
        {
            let isScope = words[place + 1].hasPrefix("@") && place + 3 < words.count
            self = .package(isScope ? "\(words[place + 1])/\(words[place + 2])" : words[place + 1])
        } else if let place = words.firstIndex(where: { Self.isLibrary($0) }), place + 1 < words.count {
            let rest = source.split(separator: "/").map(String.init)
            let name = words[place + 1] == "lib-dynload" ? words.last ?? "" : rest[place + 1]
            self = .library(String(name.prefix { $0 != "." }))
        } else {
            self = .module(source)
        }
    }

    /// True if CPython opened the source of a module, which it does only without valid bytecode.
    static func isCompiled(_ path: String, scripts: Set<String>) -> Bool {
        path.hasSuffix(".py") && !scripts.contains(String(path.split(separator: "/").last ?? ""))
    }

    /// Returns the path of a module's source: `/a/__pycache__/m.cpython-311.pyc` is `/a/m.py`.
    static func source(ofModule path: String) -> String {
        guard path.hasSuffix(".pyc") else { return path }
        let source = (try? ImagePath(path)).flatMap { PythonBytecode.source(of: $0) }
        // A compiled form beside its source has its name.
        return source?.description ?? String(path.dropLast())
    }

    private static func isLibrary(_ word: String) -> Bool {
        word.hasPrefix("python3.") && word.dropFirst(8).allSatisfy(\.isNumber)
    }

    private static func isLinker(_ path: String) -> Bool {
        let name = path.split(separator: "/").last ?? ""
        return name.hasPrefix("ld-linux") || name.hasPrefix("ld-musl") || name.hasPrefix("ld-2.")
    }
}
