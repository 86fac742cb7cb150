/// The signals that STOPSIGNAL allows.
enum SignalName {
    private static let names: Set<String> = [
        "ABRT", "ALRM", "BUS", "CHLD", "CLD", "CONT", "FPE", "HUP", "ILL", "INT", "IO", "IOT", "KILL", "PIPE", "POLL",
        "PROF", "PWR", "QUIT", "RTMIN", "RTMAX", "SEGV", "STKFLT", "STOP", "SYS", "TERM", "TRAP", "TSTP", "TTIN",
        "TTOU", "URG", "USR1", "USR2", "VTALRM", "WINCH", "XCPU", "XFSZ",
    ]

    /// Checks a name with or without SIG, RTMIN+n, RTMAX-n, or a number that isn't 0.
    static func check(_ text: String, at position: Position) throws(Diagnostic) {
        let invalid = Diagnostic(position, "Invalid signal: \(text)")
        if !text.isEmpty, text.utf8.allSatisfy(\.isDigit) {
            guard let number = Int32(text), number != 0 else { throw invalid }
            return
        }
        let upper = text.asciiUppercased
        let name = upper.utf8.starts(with: "SIG".utf8) ? upper.utf8.dropFirst(3).text : upper
        guard !names.contains(name), !isRealTime(name, prefix: "RTMIN+", most: 15),
            !isRealTime(name, prefix: "RTMAX-", most: 14)
        else { return }
        let ending = Suggestion.ending(for: name, in: names.sorted())
        throw Diagnostic(position, invalid.message + ending)
    }

    private static func isRealTime(_ name: String, prefix: String, most: Int) -> Bool {
        guard name.utf8.starts(with: prefix.utf8) else { return false }
        let digits = name.utf8.dropFirst(prefix.utf8.count)
        guard digits.allSatisfy(\.isDigit), let offset = Int(digits.text) else { return false }
        return (1...most).contains(offset)
    }
}
