// BuildKit's checks of names, letter cases and forms, which need only the text.

extension Linter {
    mutating func checkFile() {
        checkEncoding()
        for line in file.emptyContinuations {
            report(
                "NoEmptyContinuation", "Empty continuation line", line...line, fix: "remove the empty line",
                edits: [.deletion(ofLine: line)])
        }
        checkKeywordCase()
        checkStageNames()
        for argument in file.globalArguments {
            checkDescription(
                of: argument.value.declarations.map(\.name.text), comments: argument.comments, lines: argument.lines)
        }
        for instruction in file.stages.flatMap(\.instructions) {
            guard case .arg(let argument) = instruction.value else { continue }
            checkDescription(
                of: argument.declarations.map(\.name.text), comments: instruction.comments, lines: instruction.lines)
        }
    }

    private mutating func checkEncoding() {
        guard !isEditable else { return }
        let number = (1...lineStarts.count).first { String(validating: line($0), as: UTF8.self) == nil } ?? 1
        let message = "the line has bytes that are not UTF-8; they are read as U+FFFD"
        report("NotUTF8", message, number...number, fix: "save the file as UTF-8")
    }

    private mutating func checkKeywordCase() {
        var keywords: [(word: Word, lines: ClosedRange<Int>)] = []
        func note<Value>(_ located: Located<Value>) { keywords.append((located.keyword, located.lines)) }
        file.globalArguments.forEach(note)
        for stage in file.stages {
            note(stage.from)
            stage.instructions.forEach(note)
        }
        let lower = keywords.count { $0.word.text == $0.word.text.asciiLowercased }
        let isLower = lower > keywords.count { $0.word.text == $0.word.text.asciiUppercased }
        for (word, lines) in keywords {
            let wanted = isLower ? word.text.asciiLowercased : word.text.asciiUppercased
            guard word.text != wanted else { continue }
            let majority = isLower ? "lowercase" : "uppercase"
            report(
                "ConsistentInstructionCasing",
                "Command '\(word.text)' should match the case of the command majority (\(majority))", lines,
                edits: [.replacing(word, with: wanted)])
        }
    }

    private mutating func checkStageNames() {
        var seen: Set<String> = []
        for stage in file.stages {
            checkAsCase(stage)
            guard let word = stage.from.value.name, let name = stage.name else { continue }
            let lines = stage.from.lines
            if word.text != name {
                report(
                    "StageNameCasing", "Stage name '\(word.text)' should be lowercase", lines,
                    edits: [.replacing(word, with: name)])
            }
            if name == "scratch" || name == "context" {
                let message = "Stage name should not use the same name as reserved stage \(name.goQuoted)"
                report("ReservedStageName", message, lines, also: ["DL3063"])
            }
            if !seen.insert(name).inserted {
                let message = "Duplicate stage name \(name.goQuoted), stage names should be unique"
                report("DuplicateStageName", message, lines, also: ["DL3024"])
            }
            checkDescription(of: [name], comments: stage.from.comments, lines: lines)
        }
    }

    private mutating func checkAsCase(_ stage: Stage) {
        guard let word = stage.from.value.keyword else { return }
        let from = stage.from.keyword.text
        let isLower = from == from.asciiLowercased
        let wanted = isLower ? "as" : "AS"
        guard word.text != wanted, isLower || from == from.asciiUppercased else { return }
        report(
            "FromAsCasing", "'\(word.text)' and '\(from)' keywords' casing do not match", stage.from.lines,
            edits: [.replacing(word, with: wanted)])
    }

    private mutating func checkDescription(of names: [String], comments: [String], lines: ClosedRange<Int>) {
        let words = comments.filter { !$0.utf8.contains(Ascii.equals) }
        guard !words.isEmpty, let name = names.first else { return }
        let isDescribed = words.contains { line in names.contains { line.utf8.starts(with: "\($0) ".utf8) } }
        guard !isDescribed else { return }
        let message = "Comment for \(name) should follow the format: `# \(name) <description>`"
        report("InvalidDefinitionDescription", message, lines, fix: "separate the comment by an empty line")
    }

    mutating func checkSecret(keyword: String, name: String, lines: ClosedRange<Int>) {
        let parts = name.asciiLowercased.utf8.split(separator: UInt8(ascii: "_")).map(\.text)
        guard parts.contains(where: Self.secretWords.contains), !parts.contains(where: Self.publicWords.contains) else {
            return
        }
        report(
            "SecretsUsedInArgOrEnv",
            "Do not use ARG or ENV instructions for sensitive data (\(keyword) \(name.goQuoted))", lines,
            also: ["DL3064"],
            fix: "pass it with RUN --mount=type=secret")
    }

    private static let secretWords: Set<String> = [
        "apikey", "auth", "credential", "credentials", "key", "password", "pword", "passwd", "secret", "token",
    ]
    private static let publicWords: Set<String> = ["public", "file", "version"]
}

extension Located {
    /// The keyword as it was typed.
    var keyword: Word { Word(text.utf8.drop(while: \.isBlank).prefix { !$0.isBlank }.text, at: position) }
}
