/// The programs and character sets that a source file or a supervisor's configuration names.
///
/// Nothing is run or parsed as a language: the words in the literals of calls that start programs are collected. A word
/// counts only if a program of that name exists, so a false word costs bytes, and a lost one would cost the program.
public struct SourceFacts: Sendable, Hashable {
    /// Words that may be programs or files.
    public private(set) var commands: [[UInt8]] = []
    /// True if a shell runs the commands.
    public private(set) var usesShell = false
    /// The character sets that it names.
    public private(set) var charsets: [[UInt8]] = []
    /// The texts that it imports or requires, such as `os.path`; only of Python.
    public private(set) var imports: [[UInt8]] = []

    /// True if it has nothing.
    public var isEmpty: Bool { commands.isEmpty && !usesShell && charsets.isEmpty && imports.isEmpty }

    /// The kinds of files that are read.
    enum Kind: Equatable {
        /// A language whose calls name programs.
        case language(Language)
        /// The configuration of a supervisor, every word of which may be a program.
        case supervisor
    }

    /// A language, by its extension.
    enum Language: Equatable { case python, javaScript, other }

    /// The facts of a file's content.
    init(_ bytes: [UInt8], _ kind: Kind) {
        switch kind {
        case .supervisor: commands = Script.words(of: bytes)
        case .language(let language): read(bytes, language)
        }
    }
}

// MARK: - Calls

extension SourceFacts {
    /// Functions that start programs.
    private static let calls: Set<String> = [
        "system", "exec", "execv", "execve", "execvp", "execvpe", "execl", "execlp", "execFile", "execFileSync",
        "execSync", "popen", "popen2", "popen2e", "popen3", "Popen", "spawn", "spawnSync", "spawnv", "spawnvp",
        "spawnl",
        "spawnlp", "spawnp", "posix_spawn", "posix_spawnp", "check_output", "check_call", "call", "run", "getoutput",
        "getstatusoutput", "capture2", "capture2e", "capture3", "create_subprocess_exec", "create_subprocess_shell",
        "shell_exec", "passthru", "proc_open", "pcntl_exec", "qx", "which",
    ]
    /// Of calls with common names, only those behind this prefix count.
    private static let common: Set<String> = ["call", "run", "getoutput", "getstatusoutput", "which"]
    /// The longest text of a call that is read.
    private static let maximumCall = 512
    private static let maximumWords = 1024

    private static let names = SourceNames(
        calls.union(["open", "child_process", "iconv", "Iconv", "import_module", "__import__"]))

    private mutating func read(_ bytes: [UInt8], _ language: Language) {
        let places = Self.names.places(in: bytes)
        let names = places.map { bytes[$0].text }
        if language != .javaScript || names.contains("child_process") {
            var seen = Set<[UInt8]>()
            for (name, place) in zip(names, places) {
                readCall(name, at: place, in: bytes, language: language, seen: &seen)
            }
            if language == .other { readBackticks(bytes, &seen) }
        }
        if language == .python { readImports(bytes, zip(names, places)) }
        if language == .other, names.contains(where: { $0.hasSuffix("conv") }) { readCharsets(bytes) }
    }

    private mutating func readCall(
        _ name: String, at place: Range<Int>, in bytes: [UInt8], language: Language, seen: inout Set<[UInt8]>
    ) {
        guard commands.count < Self.maximumWords, let call = FunctionCall(name: name, at: place, in: bytes) else {
            return
        }
        if call.isShell(language) { usesShell = true }
        for word in call.words(bytes) where seen.insert(word).inserted { commands.append(word) }
    }

    private struct FunctionCall {
        let name: String
        /// The text behind the name.
        let range: Range<Int>

        /// The call of a function with that name; nil if the name means something else there.
        init?(name: String, at place: Range<Int>, in bytes: [UInt8]) {
            range = place.upperBound..<min(place.upperBound + SourceFacts.maximumCall, bytes.count)
            self.name = name
            if name == "open" {
                // Perl's open of a command has a pipe in its mode or its text.
                guard bytes[range].prefix(while: { $0 != UInt8(ascii: ";") }).contains(UInt8(ascii: "|")) else {
                    return nil
                }
            } else if SourceFacts.common.contains(name) {
                let before = bytes[max(0, place.lowerBound - 16)..<place.lowerBound].text
                guard ["subprocess.", "shutil.", "sp."].contains(where: { before.hasSuffix($0) }) else { return nil }
            } else if !SourceFacts.calls.contains(name) {
                return nil
            }
        }

        /// True if a shell may run the command.
        func isShell(_ language: Language) -> Bool {
            switch name {
            case "system", "popen", "shell_exec", "passthru", "proc_open", "qx", "execSync", "getoutput",
                "getstatusoutput", "create_subprocess_shell":
                true
            case "exec": language != .python
            default: language == .other
            }
        }

        /// The words of the literals in the text.
        func words(_ bytes: [UInt8]) -> [[UInt8]] {
            if name == "qx" { return Script.words(of: Array(bytes[range].prefix { $0 != UInt8(ascii: "\n") })) }
            return SourceFacts.literals(in: bytes[range]).flatMap { Script.words(of: Array($0)) }
        }
    }

    /// Returns the quoted texts up to the end of a call: its parenthesis, or a semicolon.
    fileprivate static func literals(in text: ArraySlice<UInt8>) -> [ArraySlice<UInt8>] {
        var found: [ArraySlice<UInt8>] = []
        var (index, depth) = (text.startIndex, 0)
        while index < text.endIndex {
            switch text[index] {
            case UInt8(ascii: "("), UInt8(ascii: "["), UInt8(ascii: "{"): depth += 1
            case UInt8(ascii: ")"), UInt8(ascii: "]"), UInt8(ascii: "}"):
                depth -= 1
                if depth <= 0 { return found }
            case UInt8(ascii: ";") where depth <= 0: return found
            case UInt8(ascii: "'"), UInt8(ascii: "\""), UInt8(ascii: "`"):
                let quote = text[index]
                let end = text[(index + 1)...].firstIndex(of: quote) ?? text.endIndex
                found.append(text[(index + 1)..<end])
                if end == text.endIndex { return found }
                index = end
            default: break
            }
            index += 1
        }
        return found
    }

    /// Reads the texts between backticks, which Perl, Ruby and PHP run.
    private mutating func readBackticks(_ bytes: [UInt8], _ seen: inout Set<[UInt8]>) {
        var index = bytes.startIndex
        while let start = bytes[index...].firstIndex(of: UInt8(ascii: "`")) {
            let line = bytes[(start + 1)...].prefix(Self.maximumCall).prefix { $0 != UInt8(ascii: "\n") }
            guard let end = line.firstIndex(of: UInt8(ascii: "`")) else {
                index = line.endIndex
                continue
            }
            usesShell = true
            for word in Script.words(of: Array(bytes[(start + 1)..<end]))
            where commands.count < Self.maximumWords && seen.insert(word).inserted {
                commands.append(word)
            }
            index = end + 1
        }
    }
}

// MARK: - Character sets and imports

extension SourceFacts {
    private mutating func readCharsets(_ bytes: [UInt8]) {
        var seen = Set<[UInt8]>()
        for word in bytes.split(whereSeparator: { !SourceNames.isOfName($0) && $0 != UInt8(ascii: "-") })
        where word.count <= 24 && Charset.isLikely(word) && seen.insert(Array(word)).inserted {
            charsets.append(Array(word))
        }
    }

    /// Reads `import a.b, c` and `from .a import b`, and the literals of `import_module` and `__import__`.
    ///
    /// A list in parentheses may have several lines. A call without a literal name is `import *`.
    private mutating func readImports(_ bytes: [UInt8], _ names: some Sequence<(String, Range<Int>)>) {
        var seen = Set<[UInt8]>()
        var open: [UInt8] = []
        for line in ByteLines(bytes[...]) {
            let code = line.drop { $0 == 0x20 || $0 == 0x09 }
            guard !open.isEmpty || code.starts(with: "import ".utf8) || code.starts(with: "from ".utf8) else {
                continue
            }
            var text = open + code.prefix { $0 != UInt8(ascii: "#") && $0 != UInt8(ascii: ";") }
            open = []
            if text.contains(UInt8(ascii: "(")), !text.contains(UInt8(ascii: ")")), text.count < Self.maximumList {
                open = text + [0x20]
                continue
            }
            text.removeAll { $0 == UInt8(ascii: "(") || $0 == UInt8(ascii: ")") }
            if seen.insert(text).inserted { imports.append(text) }
        }
        for (name, place) in names where ["import_module", "__import__"].contains(name) {
            let rest = bytes[place.upperBound...].prefix(Self.maximumCall)
            guard rest.first == UInt8(ascii: "(") else { continue }
            let texts = Self.literals(in: rest).filter { !$0.isEmpty }
            if texts.isEmpty || !texts.allSatisfy({ $0.allSatisfy(Self.isOfModule) }) { imports.append(Self.anyImport) }
            for text in texts { imports.append(Array("import ".utf8) + text) }
        }
    }

    private static let anyImport = Array("import *".utf8)
    private static let maximumList = 8192

    private static func isOfModule(_ byte: UInt8) -> Bool { SourceNames.isOfName(byte) || byte == UInt8(ascii: ".") }
}
