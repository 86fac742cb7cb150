extension Instruction.Healthcheck {
    init(_ node: SyntaxNode) throws(Diagnostic) {
        let words = try node.someArguments()
        let kind = words[0].text.asciiUppercased
        if kind == "NONE" {
            guard words.count == 1 else { throw Diagnostic(words[1].position, "HEALTHCHECK NONE takes no arguments") }
            self.init(command: nil, interval: 0, timeout: 0, startPeriod: 0, startInterval: 0, retries: 0)
            return
        }
        let flags = try Flags(
            node,
            [
                "interval": .string, "timeout": .string, "start-period": .string, "start-interval": .string,
                "retries": .string,
            ])
        guard kind == "CMD" else {
            throw Diagnostic(words[0].position, "Unknown type \(kind.goQuoted) in HEALTHCHECK (try CMD)")
        }
        guard words.count > 1 else { throw Diagnostic(words[0].position, "Missing command after HEALTHCHECK CMD") }
        self.init(
            command: CommandLine(Array(words.dropFirst()), isJSON: node.isJSON),
            interval: try Self.duration(flags, "interval"),
            timeout: try Self.duration(flags, "timeout"),
            startPeriod: try Self.duration(flags, "start-period"),
            startInterval: try Self.duration(flags, "start-interval"),
            retries: try Self.retries(flags))
    }

    private static func duration(_ flags: Flags, _ name: String) throws(Diagnostic) -> Int64 {
        guard let word = flags.word(name) else { return 0 }
        guard let value = GoDuration.nanoseconds(word.text) else {
            throw Diagnostic(word.position, "invalid duration \(word.text.goQuoted) for --\(name)")
        }
        guard value == 0 || value >= 1_000_000 else {
            throw Diagnostic(word.position, "Interval \(name.goQuoted) cannot be less than 1ms")
        }
        return value
    }

    private static func retries(_ flags: Flags) throws(Diagnostic) -> Int {
        guard let word = flags.word("retries") else { return 0 }
        guard let value = Int32(word.text) else {
            throw Diagnostic(word.position, "invalid number \(word.text.goQuoted) for --retries")
        }
        guard value >= 0 else { throw Diagnostic(word.position, "--retries cannot be negative (\(value))") }
        return Int(value)
    }
}
