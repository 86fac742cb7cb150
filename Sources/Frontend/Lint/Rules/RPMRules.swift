// The rules for the package managers of RPM distributions, and for caches that stay in a layer.

extension ScriptLinter {
    mutating func checkRPM(_ command: ShellCommand, yes: String, pin: String) {
        let call = Invocation(command)
        let name = command.name
        let isModule = call.verb == "module"
        let verb = isModule ? call.arguments.first?.text ?? "" : call.verb
        let installs: Set = ["install", "in", "groupinstall", "localinstall", "reinstall", "upgrade", "update", "up"]
        guard installs.contains(verb) else { return }
        let asks: Set = ["install", "in", "groupinstall", "localinstall", "reinstall"]
        if !call.answersPrompts, asks.contains(verb) {
            add(
                yes, "Without -y \(name) stops at its question, which a build can't answer",
                edits: insertion("-y", call))
        }
        guard ["install", "in", "reinstall"].contains(verb) else { return }
        let packages = isModule ? call.arguments.dropFirst() : call.arguments
        let names = unpinned(packages, marks: isModule ? ":" : "=-").filter {
            !$0.text.hasSuffix(".rpm") && !$0.text.utf8.contains(Ascii.slash) && !$0.text.hasPrefix("@")
        }
        if let first = names.first {
            let mark = isModule ? ":" : "-"
            add(pin, "\(name) installs the newest \(first.text) at each build. Write \(first.text)\(mark)VERSION")
        }
    }

    mutating func checkZypper(_ call: Invocation) {
        if ["dist-upgrade", "dup"].contains(call.verb) {
            add("DL3035", "zypper dist-upgrade changes the release under the image. Use a newer base image")
        }
        let asks: Set = ["install", "in", "remove", "rm", "source-install", "si", "patch", "update", "up"]
        if asks.contains(call.verb), !call.answersPrompts {
            add(
                "DL3034", "Without -y zypper stops at its question, which a build can't answer",
                edits: insertion("-y", call))
        }
        guard ["install", "in"].contains(call.verb) else { return }
        let names = unpinned(call.arguments, marks: "=><").filter { !$0.text.hasSuffix(".rpm") }
        if let first = names.first {
            add("DL3037", "zypper installs the newest \(first.text) at each build. Write \(first.text)=VERSION")
        }
    }

    private struct Cleanup {
        let tool: String
        let verbs: Set<String>
        let rule: String
        let clean: String
        let caches: [String]
    }

    private static let cleanups = [
        Cleanup(
            tool: "yum", verbs: ["install", "in"], rule: "DL3032", clean: "yum clean all", caches: ["/var/cache/yum"]),
        Cleanup(
            tool: "dnf", verbs: ["install", "in", "reinstall", "upgrade", "up", "upgrade-minimal", "up-min"],
            rule: "DL3040", clean: "dnf clean all",
            caches: ["/var/cache/dnf", "/var/cache/yum", "/var/cache/libdnf5", "/var/cache"]),
        Cleanup(
            tool: "zypper", verbs: ["install", "in"], rule: "DL3036", clean: "zypper clean", caches: ["/var/cache/zypp"]
        ),
        Cleanup(
            tool: "yarn", verbs: ["install", ""], rule: "DL3060", clean: "yarn cache clean",
            caches: [".cache/yarn", "/usr/local/share/.cache"]),
    ]

    private static func isInstall(_ call: Invocation, _ verbs: Set<String>) -> Bool {
        verbs.contains(call.verb == "module" ? call.arguments.first?.text ?? "" : call.verb)
    }

    mutating func checkCleanups() {
        for row in Self.cleanups {
            func isTool(_ command: ShellCommand) -> Bool { ToolOptions.family(command.name) == row.tool }
            guard let last = commands.lastIndex(where: { isTool($0) && Self.isInstall(Invocation($0), row.verbs) }),
                !row.caches.contains(where: context.isMounted)
            else { continue }
            // Only a removal after the installation leaves nothing.
            let isClean = commands[last...].contains { command in
                if isTool(command) { return command.has("clean", "cc") }
                return command.name == "rm"
                    && command.arguments.contains { word in row.caches.contains { word.text.holds($0) } }
            }
            guard !isClean else { continue }
            let clean = row.tool == "dnf" ? row.clean.replacingFirstWord(with: commands[last].name) : row.clean
            add(row.rule, "\(commands[last].name) leaves its cache in the layer", fix: "end the RUN with && \(clean)")
        }
    }
}

extension String {
    fileprivate func replacingFirstWord(with word: String) -> String {
        guard let (_, rest) = cut(Ascii.space) else { return word }
        return "\(word) \(rest)"
    }
}
