// The rules for package managers: pinned versions, caches, and prompts, which a build cannot answer.

extension ScriptLinter {
    mutating func checkApt(_ command: ShellCommand) {
        guard command.operands.first == "install" || command.operands.dropFirst().first == "install" else {
            if command.words.contains("dist-upgrade") { add("DL3005", .error, "Do not use apt-get dist-upgrade") }
            return
        }
        let place = self
        func insertion(_ text: String) -> [TextEdit] { place.insertions(after: "apt-get", before: "install", text) }
        if !command.hasOption("y", "--yes", "--assume-yes", "-qq"), !command.has("-qq") {
            add(
                "DL3014", .warning, "Use the `-y` switch to avoid manual input `apt-get -y install <package>`",
                fix: "write apt-get install -y", edits: insertion(" -y"))
        }
        if !command.words.contains(where: {
            $0.hasPrefix("--no-install-recommends") || $0.holds("Install-Recommends=false")
                || $0.holds("Install-Recommends=0")
        }) {
            add(
                "DL3015", .info, "Avoid additional packages by specifying `--no-install-recommends`",
                fix: "write apt-get install --no-install-recommends", edits: insertion(" --no-install-recommends"))
        }
        let valued = ["-t", "--target-release", "--default-release", "-o", "--option", "-c", "--config-file"]
        let values = zip(command.words, command.words.dropFirst()).filter { valued.contains($0.0) }.map(\.1)
        let packages = command.operands.drop { $0 != "install" }.dropFirst().filter { !values.contains($0) }
        if packages.contains(where: { Self.isUnpinned($0, marks: "=/") && !$0.hasSuffix(".deb") }) {
            add(
                "DL3008", .warning,
                "Pin versions in apt get install. Instead of `apt-get install <package>` use `apt-get install <package>=<version>`"
            )
        }
    }

    /// True if the name contains none of the marks, and no variable, redirection or command that could.
    private static func isUnpinned(_ name: String, marks: String) -> Bool {
        !name.utf8.contains {
            marks.utf8.contains($0) || $0 == Ascii.dollar || $0 == UInt8(ascii: ">") || $0 == Ascii.less
                || $0 == Ascii.backtick
        }
    }

    mutating func checkApk(_ command: ShellCommand) {
        guard command.operands.first == "add" || command.operands.contains("add") else { return }
        if !command.has("--no-cache"), !isMounted("/var/cache/apk"), !isMounted("/etc/apk/cache") {
            add(
                "DL3019", .info,
                "Use the `--no-cache` switch to avoid the need to use `--update` and remove `/var/cache/apk/*` when done installing packages",
                fix: "write apk add --no-cache", edits: insertions(after: "apk", before: "add", " --no-cache"))
        }
        let skip = zip(command.words, command.words.dropFirst()).filter {
            ["-t", "--virtual", "--repository", "-X"].contains($0.0)
        }.map(\.1)
        let packages = command.operands.drop { $0 != "add" }.dropFirst().filter { !skip.contains($0) }
        if packages.contains(where: { Self.isUnpinned($0, marks: "=~><") && !$0.hasPrefix(".") }) {
            add(
                "DL3018", .warning,
                "Pin versions in apk add. Instead of `apk add <package>` use `apk add <package>=<version>`")
        }
    }

    mutating func checkPip(_ command: ShellCommand, _ arguments: [String]) {
        guard let index = arguments.firstIndex(of: "install") else { return }
        if !command.words.contains(where: { $0.hasPrefix("--no-cache-dir") }), !isMounted("pip"),
            !isMounted("/root/.cache")
        {
            add(
                "DL3042", .warning, "Avoid use of cache directory with pip. Use `pip install --no-cache-dir <package>`",
                fix: "write pip install --no-cache-dir",
                edits: insertions(after: "pip", before: "install", " --no-cache-dir"))
        }
        let values: Set<String> = [
            "-r", "--requirement", "-c", "--constraint", "-e", "--editable", "-i", "--index-url", "--extra-index-url",
            "-t", "--target", "--prefix", "-f", "--find-links",
        ]
        var packages: [String] = []
        var skips = false
        for word in arguments[(index + 1)...] {
            if skips {
                skips = false
            } else if values.contains(word) {
                skips = true
            } else if word.utf8.first != Ascii.dash {
                packages.append(word)
            }
        }
        let names = packages.filter { !$0.hasPrefix(".") && !$0.utf8.contains(Ascii.slash) && !$0.hasSuffix(".whl") }
        if names.contains(where: { Self.isUnpinned($0, marks: "=@~") }) {
            add(
                "DL3013", .warning,
                "Pin versions in pip. Instead of `pip install <package>` use `pip install <package>==<version>` or `pip install --requirement <requirements file>`"
            )
        }
    }

    mutating func checkNpm(_ command: ShellCommand) {
        guard ["install", "i", "add"].contains(command.operands.first ?? "") else { return }
        let names = command.operands.dropFirst().filter {
            !$0.hasPrefix(".") && !$0.hasPrefix("/") && !$0.holds("://") && !$0.hasPrefix("git")
                && !$0.hasSuffix(".tgz")
        }
        if names.contains(where: { !$0.utf8.dropFirst().contains(UInt8(ascii: "@")) && !$0.utf8.contains(Ascii.dollar) }
        ) {
            add(
                "DL3016", .warning,
                "Pin versions in npm. Instead of `npm install <package>` use `npm install <package>@<version>`")
        }
    }

    mutating func checkVersions(
        _ command: ShellCommand, _ verbs: [String], _ rule: String, _ message: String, marks: String
    ) {
        guard verbs.contains(command.operands.first ?? ""), !command.has("-v", "--version") else { return }
        if command.operands.dropFirst().contains(where: { Self.isUnpinned($0, marks: marks) }) {
            add(rule, .warning, message)
        }
    }

    mutating func checkRed(_ command: ShellCommand, yes: String, pin: String) {
        let name = command.name
        guard let verb = command.operands.first, ["install", "groupinstall", "localinstall"].contains(verb) else {
            return
        }
        if !command.hasOption("y", "--assumeyes") {
            add(
                yes, .warning, "Use the -y switch to avoid manual input `\(name) install -y <package>`",
                fix: "write \(name) install -y", edits: insertions(after: name, before: verb, " -y"))
        }
        if verb == "install", command.operands.dropFirst().contains(where: { Self.isUnpinned($0, marks: "=/-") }) {
            add(pin, .warning, "Specify version with `\(name) install -y <package>-<version>`.")
        }
    }

    mutating func checkZypper(_ command: ShellCommand) {
        if command.has("dist-upgrade", "dup") { add("DL3035", .warning, "Do not use `zypper dist-upgrade`.") }
        guard command.has("install", "in") else { return }
        if !command.hasOption("n", "--non-interactive", "-y", "--no-confirm"), !command.hasOption("y") {
            add("DL3034", .warning, "Non-interactive switch missing from `zypper` command: `zypper install -y`")
        }
        if command.operands.dropFirst().contains(where: { Self.isUnpinned($0, marks: "=><") }) {
            add("DL3037", .warning, "Specify version with `zypper install -y <package>=<version>`.")
        }
    }

    mutating func checkAptLists() {
        let updates = commands.contains { ($0.name == "apt-get" || $0.name == "apt") && $0.has("update") }
        guard updates, !isMounted("/var/lib/apt") else { return }
        let cleans = commands.contains { command in
            command.name == "rm"
                && command.words.contains { $0.hasPrefix("/var/lib/apt/lists") || $0 == "/var/lib/apt" }
        }
        if !cleans {
            add(
                "DL3009", .info, "Delete the apt lists (/var/lib/apt/lists) after installing something",
                fix: "end the RUN with && rm -rf /var/lib/apt/lists/*")
        }
    }

    mutating func checkCleanups() {
        let table = [
            ("yum", ["install"], "DL3032", "`yum clean all` missing after yum command."),
            ("dnf", ["install"], "DL3040", "`dnf clean all` missing after dnf command."),
            ("zypper", ["install", "in"], "DL3036", "`zypper clean` missing after zypper use."),
            ("yarn", ["install"], "DL3060", "`yarn cache clean` missing after `yarn install` was run."),
        ]
        for (name, verbs, rule, message) in table {
            let installs = commands.contains { $0.name == name && verbs.contains($0.operands.first ?? "") }
            let cleans =
                commands.contains { $0.words.contains("clean") && $0.name == name }
                || commands.contains { $0.name == "rm" && $0.words.contains { $0.holds("/var/cache/") } }
            if installs, !cleans, !isMounted("cache") { add(rule, name == "yarn" ? .info : .warning, message) }
        }
    }
}
