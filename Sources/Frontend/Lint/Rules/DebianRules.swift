// The rules for Debian's and Alpine's package managers: pinned versions, indexes, and prompts.

extension ScriptLinter {
    /// Returns the arguments that name packages without a version.
    ///
    /// - Parameter marks: The bytes that separate a name from its version.
    func unpinned(_ words: some Sequence<ShellWord>, marks: String) -> [ShellWord] {
        words.filter { word in
            // A variable without a known value may contain the version.
            guard let text = context.text(of: word) else { return false }
            return !text.utf8.contains { marks.utf8.contains($0) || $0 == Ascii.dollar }
        }
    }

    /// The insertion of options after the verb of a call.
    func insertion(_ text: String, _ call: Invocation) -> [TextEdit] {
        call.operands.first.flatMap { script.inserting(" \(text)", after: $0) }.map { [$0] } ?? []
    }

    static let safeAptVerbs: Set<String> = ["update", "remove", "purge", "autoremove", "clean", "autoclean"]
    /// The verbs of apt that apt-get doesn't have, with the programs that do the same.
    private static let otherPrograms = [
        "list": "dpkg -l", "search": "apt-cache search", "show": "apt-cache show", "policy": "apt-cache policy",
        "depends": "apt-cache depends", "rdepends": "apt-cache rdepends",
    ]

    mutating func checkAptTool(_ command: ShellCommand) {
        let message = "apt is made for people, and its options may change. Use apt-get, or apt-cache for queries"
        let call = Invocation(command)
        if let other = Self.otherPrograms[call.verb] {
            return add("DL3027", message, fix: "use \(other) in place of apt \(call.verb)")
        }
        guard call.verb != "edit-sources", call.verb != "full-upgrade", let program = command.words.first,
            let edit = script.replacing(program, with: "apt-get")
        else { return add("DL3027", message) }
        // Only apt deletes the packages that it has installed; so an install is left to the user.
        add("DL3027", message, edits: hasSafeApt ? [edit] : [], proposal: hasSafeApt ? [] : [edit])
    }

    mutating func checkApt(_ command: ShellCommand) {
        let call = Invocation(command)
        guard call.verb == "install" else { return }
        if !call.answersPrompts {
            add(
                "DL3014", "Without -y apt-get stops at its question, which a build can't answer",
                edits: insertion("-y", call))
        }
        let settings = call.values(of: "-o", "--option").map(\.asciiLowercased)
        let isLean =
            call.has("--no-install-recommends")
            || settings.contains { ["apt::install-recommends=false", "apt::install-recommends=0"].contains($0) }
        if !isLean {
            add(
                "DL3015",
                "apt-get also installs recommended packages. --no-install-recommends leaves them out; name those you need",
                proposal: insertion("--no-install-recommends", call))
        }
        if let first = unpinned(call.arguments, marks: "=/").first(where: { !$0.text.hasSuffix(".deb") }) {
            add("DL3008", "apt-get installs the newest \(first.text) at each build. Write \(first.text)=VERSION")
        }
    }

    mutating func checkApk(_ command: ShellCommand) {
        let call = Invocation(command)
        guard call.verb == "add" else { return }
        if !call.has("--no-cache"), !context.isMounted("/var/cache/apk"), !context.isMounted("/etc/apk/cache") {
            add(
                "DL3019", "Write apk add --no-cache: the package index stays out of the image",
                proposal: insertion("--no-cache", call))
        }
        let names = unpinned(call.arguments, marks: "=~><").filter {
            !$0.text.hasPrefix(".") && !$0.text.hasSuffix(".apk")
        }
        if let first = names.first {
            add("DL3018", "apk installs the newest \(first.text) at each build. Write \(first.text)=VERSION")
        }
    }

    mutating func checkAptLists() {
        func isApt(_ command: ShellCommand) -> Bool {
            ToolOptions.family(command.name) == "apt-get" || command.name == "apt"
        }
        guard let update = commands.firstIndex(where: { isApt($0) && $0.has("update") }) else { return }
        guard !context.isMounted("/var/lib/apt") else { return }
        let cleans = commands[update...].contains { command in
            if isApt(command) { return command.has("dist-clean", "distclean") }
            guard ["rm", "find"].contains(command.name) else { return false }
            return command.arguments.contains { word in
                let path = context.text(of: word) ?? word.text
                return path.hasPrefix("/var/lib/apt/lists")
                    || ["/var/lib/apt", "/var/lib/apt/", "/var/lib/apt/*"].contains(path)
            }
        }
        guard !cleans else { return }
        add(
            "DL3009", "The package index of apt-get update stays in the layer",
            fix: "end the RUN with && rm -rf /var/lib/apt/lists/*")
    }
}
