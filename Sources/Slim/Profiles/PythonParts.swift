internal import ImageFiles
internal import Linux
internal import OCI

/// The parts of Python's libraries that programs rarely use: test suites, tools for developers, old protocols.
///
/// A part is kept if a source outside of all parts, or of a kept part, imports it: each with its own extension modules,
/// whose libraries may be large. Everything else of the libraries always stays, because C code imports modules that no
/// source names.
struct PythonParts: Sendable {
    /// The parts that sources import.
    private let reached: Set<String>
    /// False for an image without sources, of which nothing is known.
    private let isKnown: Bool
    /// True if a library reads `.pyi` files at run time; others are only for type checkers.
    private let readsStubs: Bool

    /// Finds the parts that the sources of an image import.
    init(_ contents: ImageFiles) {
        var pending: [String: [String]] = [:]
        var (reached, stubs) = (Self.called(contents), false)
        var queue: [String] = []
        for (id, source) in contents.sources where !source.imports.isEmpty {
            let module = PythonModule(contents.tree.inodes[id].path)
            let lines = source.imports.map(\.text)
            if module == nil, lines.contains("import *") { reached.formUnion(PythonModule.standardParts) }
            let names = lines.flatMap { PythonImport($0, in: module).names }
            stubs = stubs || names.contains { $0.hasPrefix("lazy_loader") }
            let wanted = names.flatMap { PythonModule.parts(of: $0) }.filter { module?.isOptional($0) != true }
            if let part = module?.part {
                pending[part, default: []] += wanted
            } else {
                queue += wanted
            }
        }
        queue += reached
        while let part = queue.popLast() {
            reached.insert(part)
            queue += pending.removeValue(forKey: part) ?? []
        }
        (self.reached, isKnown, readsStubs) = (reached, !contents.sources.isEmpty, stubs)
    }

    /// True for a path of a library that no program needs.
    func isUnneeded(_ path: ImagePath) -> Bool {
        guard isKnown, let module = PythonModule(path) else { return false }
        if path.name.hasSuffix(".pyi"), !readsStubs { return true }
        return module.part.map { !reached.contains($0) } ?? false
    }

    /// Returns the parts that a command line or a script runs by `python3 -m NAME`.
    private static func called(_ contents: ImageFiles) -> Set<String> {
        let config = contents.image.config
        let commands = config.arguments + (config.healthcheck?["Test"]?.strings ?? [])
        var texts = [commands.flatMap { $0.split(separator: " ").map(String.init) }]
        texts += contents.scripts.values.map { $0.words.map(\.text) }.filter { $0.contains("-m") }
        return Set(texts.joined().flatMap { PythonModule.parts(of: $0) }.filter { $0 != "test" })
    }
}

/// The place of a path in a library of Python: the standard library, or a directory of installed packages.
struct PythonModule {
    /// The components below the library.
    let names: [String]
    /// True for the standard library.
    let isStandard: Bool

    /// The place of a path; nil for one outside of `lib/python3*`.
    init?(_ path: ImagePath) {
        let all = path.components.map(\.text)
        guard let library = all.firstIndex(where: { $0.hasPrefix("python3") }), library > 0,
            all[library - 1].hasPrefix("lib"), all.count > library + 1
        else { return nil }
        let below = all[(library + 1)...]
        let isInstalled = ["site-packages", "dist-packages"].contains(below[library + 1])
        names = Array(isInstalled || below[library + 1] == "lib-dynload" ? below.dropFirst() : below)
        isStandard = !isInstalled
        if names.isEmpty { return nil }
    }

    /// The dotted name of the package that has this module.
    var package: [String] { Array(names.dropLast()) }

    /// The name of the part that has the path, if any: of test suites the outermost directory.
    var part: String? {
        if let test = names.firstIndex(where: { Self.tests.contains($0) }), !(isStandard && names[0] == "test") {
            return names[...test].joined(separator: ".")
        }
        let first = names[0].prefix { $0 != "." }
        if isStandard { return Self.standardParts.contains(String(first)) ? String(first) : nil }
        let dotted = names.joined(separator: ".") + "."
        return Self.tools.first { dotted.hasPrefix($0 + ".") }
    }

    /// Returns the parts that the import of a module needs: `a.tests.b` has the part `a.tests`.
    static func parts(of module: String) -> [String] {
        let names = module.split(separator: ".").map(String.init)
        guard let first = names.first else { return [] }
        // venv runs ensurepip without an import.
        var found = standardParts.contains(first) ? [first] + (first == "venv" ? ["ensurepip"] : []) : []
        if let test = names.firstIndex(where: { tests.contains($0) }) {
            found.append(names[...test].joined(separator: "."))
        }
        return found + tools.filter { module == $0 || module.hasPrefix($0 + ".") }
    }

    /// True if the module imports a part only for people: a tool of its own package, or help in an interactive shell.
    func isOptional(_ part: String) -> Bool {
        guard isStandard else { return Self.tools.contains(part) && part.hasPrefix(names[0] + ".") }
        return Self.helps[String(names[0].prefix { $0 != "." })] == part
    }

    private static let helps = ["_sitebuiltins": "pydoc", "pdb": "pydoc", "pydoc": "pydoc_data"]
    private static let tests: Set<String> = ["test", "tests", "idle_test"]
    /// Parts of installed packages for those who build or convert extension modules.
    private static let tools = ["numpy.f2py", "numpy.distutils", "setuptools", "pkg_resources", "wheel"]
    /// Modules of the standard library.
    static let standardParts: Set<String> = [
        // An editor, demonstrations, windows, installers, converters, debuggers, measurements.
        "idlelib", "turtledemo", "turtle", "tkinter", "_tkinter", "ensurepip", "venv", "lib2to3", "distutils", "test",
        "pdb", "doctest", "unittest", "pydoc", "pydoc_data", "cProfile", "profile", "pstats", "trace", "tabnanny",
        "pyclbr", "modulefinder", "pickletools", "symtable", "timeit", "zipapp", "this", "antigravity", "_pyio",
        "_testcapi", "_testbuffer", "_testclinic", "_testimportmultiple", "_testinternalcapi", "_testmultiphase",
        "_ctypes_test", "xxlimited", "xxlimited_35", "_xxtestfuzz",
        // Protocols and formats that have been replaced.
        "cgi", "cgitb", "imaplib", "nntplib", "poplib", "smtpd", "telnetlib", "ftplib", "mailbox", "mailcap", "xdrlib",
        "sndhdr", "aifc", "sunau", "wave", "chunk", "audioop", "ossaudiodev", "imghdr", "nis", "spwd", "crypt",
        "_crypt", "uu", "asynchat", "asyncore", "wsgiref", "xmlrpc", "webbrowser",
        // Databases, terminals.
        "sqlite3", "_sqlite3", "dbm", "_dbm", "_gdbm", "shelve", "curses", "_curses", "_curses_panel",
    ]
}

/// The dotted names of the modules that one import may load.
struct PythonImport {
    let names: [String]

    /// Reads `import a.b, c as d` or `from .a import b, c` of a module.
    init(_ line: String, in module: PythonModule?) {
        let words = line.split { $0 == " " || $0 == "," || $0 == "\\" || $0 == "\t" || $0 == "\r" }.map(String.init)
        guard words.count >= 2 else {
            names = []
            return
        }
        let listed = Self.withoutAliases(words.dropFirst(words[0] == "from" ? 3 : 1))
        guard words[0] == "from" else {
            names = listed
            return
        }
        let dots = words[1].prefix { $0 == "." }.count
        let above = dots > 0 ? module.map { Array($0.package.dropLast(dots - 1)) } ?? [] : []
        let base = (above + words[1].dropFirst(dots).split(separator: ".").map(String.init)).joined(separator: ".")
        names = [base] + listed.map { base.isEmpty ? $0 : "\(base).\($0)" }
    }

    private static func withoutAliases(_ words: ArraySlice<String>) -> [String] {
        zip(words, ["import"] + words).filter { $0 != "as" && $1 != "as" }.map(\.0)
    }
}
