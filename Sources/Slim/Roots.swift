internal import ImageFiles
internal import Linux
internal import OCI

extension Planner {
    /// Keeps the paths in the image's configuration: its program, health check, variables, directories.
    mutating func keepRoots() throws(SlimError) {
        let config = contents.image.config
        let commands = [(config.arguments, "ENTRYPOINT and CMD"), (Self.healthCommand(config), "HEALTHCHECK")]
        guard !config.arguments.isEmpty || !options.include.isEmpty else { throw .nothingToRun }
        for (arguments, source) in commands where !arguments.isEmpty { try keepCommand(arguments, source) }
        if config.onBuild.contains(where: { $0.hasPrefix("RUN") }) { keepShell() }
        keepEnvironment()
        keepDeclared()
    }

    /// Keeps the program and the files of a command.
    ///
    /// A shell with `-c` runs the words of its text; any other program may get a path or another program as an
    /// argument.
    private mutating func keepCommand(_ arguments: [String], _ source: String) throws(SlimError) {
        guard let name = arguments.first else { return }
        guard let program = contents.program(Array(name.utf8)) else { throw .programMissing(name) }
        keep(program, .entrypoint(source))
        let runsText = Script.isShell(Array(name.utf8)) && arguments.contains("-c")
        for argument in arguments.dropFirst() {
            if runsText, argument.contains(" ") {
                keepCommands(Script.words(of: Array(argument.utf8)), in: nil)
            } else {
                keepArgument(argument, source)
            }
        }
    }

    /// Keeps the file of `FILE`, `--option=FILE` or `PROGRAM`.
    private mutating func keepArgument(_ argument: String, _ source: String) {
        for text in [argument, argument.split(separator: "=", maxSplits: 1).last.map(String.init) ?? ""]
        where !text.isEmpty {
            let found = contents.file(tree.follow(text.utf8, from: contents.workingNode))
            if let found { keep(found, .argument(source)) }
            if !text.hasPrefix("-"), let found = contents.program(Array(text.utf8)) { keep(found, .command(in: nil)) }
        }
    }

    private static func healthCommand(_ config: ImageConfig) -> [String] {
        guard let test = config.healthcheck?["Test"]?.strings, let kind = test.first else { return [] }
        switch kind {
        case "CMD": return Array(test.dropFirst())
        case "CMD-SHELL": return (config.shell ?? ["/bin/sh", "-c"]) + test.dropFirst()
        default: return []
        }
    }

    /// Keeps files that variables name, and the directories in which libraries and modules are searched.
    private mutating func keepEnvironment() {
        for (name, value) in contents.environment where name != "PATH" {
            let isModulePath = ["PYTHONPATH", "PYTHONHOME", "SSL_CERT_DIR"].contains(name)
            for part in value.split(whereSeparator: { $0 == ":" || (name == "LD_PRELOAD" && $0 == " ") }) {
                if part.hasPrefix("/"), let found = tree.follow(part.utf8, from: FileTree.rootNode) {
                    keep(found, .argument("ENV \(name)"))
                    if isModulePath { keep(below: String(part), .argument("ENV \(name)")) }
                } else if name == "LD_PRELOAD" {
                    keepPreload(Array(part.utf8), .argument("ENV \(name)"))
                }
            }
        }
        let preload = contents.text(at: .known("etc/ld.so.preload")) ?? []
        if !preload.isEmpty { keep(at: "etc/ld.so.preload", .profile(.glibc, by: nil)) }
        for name in preload.split(whereSeparator: { $0 <= 0x20 || $0 == UInt8(ascii: ":") }) {
            keepPreload(Array(name), .profile(.glibc, by: nil))
        }
    }

    private mutating func keepPreload(_ name: [UInt8], _ reason: KeepReason) {
        guard let program = contents.image.config.arguments.first.flatMap({ contents.program(Array($0.utf8)) }),
            let file = loader.loaded(program.node)
        else { return }
        for match in loader.find(name, for: file, loaders: [], isPrivileged: false) { keep(match.found, reason) }
    }

    private mutating func keepDeclared() {
        let config = contents.image.config
        if !config.workingDirectory.isEmpty { keep(at: config.workingDirectory, .declared("WORKDIR")) }
        for volume in config.volumes {
            let found = tree.follow(volume.utf8, from: FileTree.rootNode)
            guard let found, found.node != FileTree.rootNode else { continue }
            keep(found, .declared("VOLUME"))
            keep(below: volume, .declared("VOLUME"))
        }
        if let home = contents.row(ofUser: config.user)?.home, !home.isEmpty {
            keep(at: String(decoding: home, as: UTF8.self), .declared("home"))
        }
    }

    /// Keeps the paths of `--include`.
    mutating func keepIncluded() {
        guard !options.include.isEmpty else { return }
        var wanted: [(FileTree.NodeID, ImagePathPattern)] = []
        var matched = Set<ImagePathPattern>()
        tree.walk { path, node in
            let patterns = options.include.filter { $0.matches(path) }
            matched.formUnion(patterns)
            if let pattern = patterns.first { wanted.append((node, pattern)) }
        }
        vainIncludes = options.include.filter { !matched.contains($0) }
        for (node, pattern) in wanted { keep(node, .userInclude(pattern.description)) }
    }
}
