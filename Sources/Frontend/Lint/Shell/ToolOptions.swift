/// The options of a program whose calls the linter reads.
struct ToolOptions {
    /// The options that take a value, in their next word or after `=`.
    let values: Set<String>
    /// The options that answer all prompts.
    let yes: Set<String>
    /// The options whose value is a file that names or contains packages.
    let files: Set<String>
    /// True if options of several letters start with one dash.
    let isSingleDash: Bool

    private init(values: String = "", yes: String = "", files: String = "", isSingleDash: Bool = false) {
        func set(_ text: String) -> Set<String> { Set(text.utf8.split(whereSeparator: \.isBlank).map(\.text)) }
        self.files = set(files)
        self.values = set(values).union(self.files)
        self.yes = set(yes)
        self.isSingleDash = isSingleDash
    }

    /// Returns the options of a program; a program that isn't in the table has none with a value.
    static func of(_ name: String) -> ToolOptions { table[family(name)] ?? ToolOptions() }

    /// Returns the name under which a program is in the table: `pip3.12` is pip, `microdnf` is dnf.
    static func family(_ name: String) -> String {
        if ["pip", "python"].contains(where: { name.hasPrefix($0) && isVersion(name.utf8.dropFirst($0.utf8.count)) }) {
            return name.hasPrefix("pip") ? "pip" : "python"
        }
        return ["dnf5": "dnf", "microdnf": "dnf", "tdnf": "dnf", "aptitude": "apt-get"][name] ?? name
    }

    private static func isVersion(_ text: String.UTF8View.SubSequence) -> Bool {
        text.allSatisfy { $0.isDigit || $0 == Ascii.dot }
    }

    private static let table: [String: ToolOptions] = {
        let apt = ToolOptions(
            values: """
                -t --target-release --default-release -o --option -c --config-file -a --host-architecture -P
                --build-profiles
                """, yes: "-y --yes --assume-yes")
        let rpm = ToolOptions(
            values: """
                -c --config -d --debuglevel -e --errorlevel -x --exclude --excludepkgs --repo --repoid --enablerepo
                --disablerepo --setopt --releasever --installroot --advisory --advisories --comment --forcearch --color
                -R --randomwait --cve --bz --rpmverbosity --downloaddir --destdir --disableplugin --enableplugin
                """, yes: "-y --assumeyes")
        return [
            "apt-get": apt, "apt": apt, "yum": rpm, "dnf": rpm,
            "apk": ToolOptions(
                values: """
                    -p --root -X --repository -t --virtual --keys-dir --repositories-file --wait --arch --cache-dir
                    --cache-max-age --progress-fd --timeout
                    """),
            "pip": ToolOptions(
                values: """
                    -t --target --platform --python-version --implementation --abi --root --prefix --src
                    --upgrade-strategy --install-option --global-option --config-settings -C --no-binary --only-binary
                    --progress-bar --root-user-action --report -i --index-url --extra-index-url -f --find-links
                    --python --log --keyring-provider --proxy --retries --timeout --exists-action --trusted-host
                    --cert --client-cert --cache-dir --use-feature --use-deprecated --resume-retries
                    """, files: "-r --requirement -c --constraint -e --editable --group"),
            "pipx": ToolOptions(
                values: "--spec --python --pip-args --suffix --preinstall -i --index-url --backend --cwd"),
            "npm": ToolOptions(
                values: """
                    --loglevel --prefix --registry --cache -w --workspace --omit --include --userconfig --globalconfig
                    --tag --install-strategy --cpu --os --libc -C --fetch-retries --fetch-timeout --maxsockets
                    --fetch-retry-mintimeout --fetch-retry-maxtimeout --proxy --https-proxy --audit-level
                    """),
            "yarn": ToolOptions(
                values: """
                    --network-timeout --cwd --cache-folder --modules-folder --registry --mutex --network-concurrency
                    --proxy --https-proxy --use-yarnrc --preferred-cache-folder --global-folder --prefix
                    """),
            "gem": ToolOptions(
                values: """
                    -v --version --platform -i --install-dir -n --bindir --document --build-root -P --trust-policy -s
                    --source -p --http-proxy --without --config-file -B --bulk-threshold
                    """, files: "-g --file"),
            "zypper": ToolOptions(
                values: """
                    -R --root --installroot -D --reposd-dir -C --cache-dir --raw-cache-dir --solv-cache-dir
                    --pkg-cache-dir -c --config -p --plus-repo --plus-content -r --repo --from -t --type
                    """, yes: "-n --non-interactive -y --no-confirm"),
            "wget": ToolOptions(
                values: """
                    -o --output-file -a --append-output -O --output-document -P --directory-prefix -T --timeout -t
                    --tries -U --user-agent --header -e --execute --post-data --post-file --user --password -i
                    --input-file -Q --quota -l --level --ca-certificate --certificate --private-key -w --wait --progress
                    --limit-rate --method --body-data --body-file --referer -A --accept -R --reject
                    """),
            "curl": ToolOptions(
                values: """
                    -o --output -H --header -d --data --data-binary --data-raw -X --request -u --user -A --user-agent -e
                    --referer -F --form -b --cookie -c --cookie-jar -x --proxy -m --max-time --connect-timeout --retry
                    --retry-delay --retry-max-time --cacert --cert --key -T --upload-file -w --write-out --url -K
                    --config --output-dir --resolve --ciphers -r --range --proto
                    """),
            "go": ToolOptions(
                values: """
                    -ldflags -tags -mod -gcflags -asmflags -buildmode -p -o -modfile -overlay -pgo -pkgdir -toolexec -C
                    -exec -compiler -installsuffix -gccgoflags
                    """, isSingleDash: true),
            "useradd": ToolOptions(
                values: """
                    -u --uid -b --base-dir -c --comment -d --home-dir -e --expiredate -f --inactive -g --gid -G --groups
                    -k --skel -K --key -p --password -s --shell -R --root -P --prefix -Z --selinux-user
                    """),
            "tar": ToolOptions(values: "-f --file -C --directory --strip-components --exclude -T --files-from -X"),
        ]
    }()
}

/// A command split into options with their values, and operands.
struct Invocation {
    /// An option, such as `-t` or `--target`, with its value.
    struct Option {
        let name: String
        let value: ShellWord?
    }

    let command: ShellCommand
    let tool: ToolOptions
    private(set) var options: [Option] = []
    /// The words that are neither options nor their values; the first is the verb of tools that have verbs.
    private(set) var operands: [ShellWord] = []

    /// Splits the words after the first `skipping` words of a command.
    init(_ command: ShellCommand, tool name: String? = nil, skipping count: Int = 1) {
        self.command = command
        tool = ToolOptions.of(name ?? command.name)
        var words = command.words.dropFirst(count)
        while let word = words.popFirst() {
            let text = word.text
            guard text.utf8.first == Ascii.dash, text.utf8.count > 1 else {
                operands.append(word)
                continue
            }
            // Words after `--` are operands, except for gem, which passes them to another program.
            if text == "--" {
                if command.name != "gem" { operands += words }
                break
            }
            if text.hasPrefix("--") || tool.isSingleDash { takeLong(word, &words) } else { takeShort(word, &words) }
        }
    }

    private mutating func takeLong(_ word: ShellWord, _ rest: inout ArraySlice<ShellWord>) {
        if let (name, value) = word.text.cut(Ascii.equals) {
            var part = word
            part.text = value
            options.append(Option(name: name, value: part))
        } else {
            options.append(Option(name: word.text, value: tool.values.contains(word.text) ? rest.popFirst() : nil))
        }
    }

    /// Splits a word such as `-qy` or `-ofile` into letters.
    private mutating func takeShort(_ word: ShellWord, _ rest: inout ArraySlice<ShellWord>) {
        var letters = Array(word.text.unicodeScalars.dropFirst())[...]
        while let letter = letters.popFirst() {
            let name = "-\(letter)"
            var part = word
            part.text = String(String.UnicodeScalarView(letters))
            if letters.first == "=" {
                part.text = String(String.UnicodeScalarView(letters.dropFirst()))
                options.append(Option(name: name, value: part))
                return
            }
            guard tool.values.contains(name) else {
                options.append(Option(name: name, value: nil))
                continue
            }
            options.append(Option(name: name, value: letters.isEmpty ? rest.popFirst() : part))
            return
        }
    }

    /// The first operand, which is the verb of a package manager.
    var verb: String { operands.first?.text ?? "" }
    /// The operands after the verb.
    var arguments: ArraySlice<ShellWord> { operands.dropFirst() }

    func has(_ names: String...) -> Bool { options.contains { names.contains($0.name) } }
    func value(of names: String...) -> String? { options.last { names.contains($0.name) }?.value?.text }
    func values(of names: String...) -> [String] {
        options.filter { names.contains($0.name) }.compactMap(\.value?.text)
    }

    /// True if an option answers prompts; for apt also `-qq` and `-q=2`.
    var answersPrompts: Bool {
        if options.contains(where: { tool.yes.contains($0.name) && $0.value?.text != "false" }) { return true }
        guard ["apt-get", "apt"].contains(ToolOptions.family(command.name)) else { return false }
        let quiet = options.filter { $0.name == "-q" || $0.name == "--quiet" }
        let isSet = values(of: "-o", "--option").contains { setting in
            let text = setting.asciiLowercased
            return text.hasPrefix("apt::get::assume-yes=") && ["=1", "=true", "=yes"].contains { text.hasSuffix($0) }
        }
        return isSet || quiet.count > 1 || quiet.contains { ($0.value.flatMap { Int($0.text) } ?? 0) >= 2 }
    }
}
