internal import Glibc
internal import Jobs
internal import Linux
internal import SystemPackage

/// The input of user names and passwords.
public enum Prompt {
    private static let limit = 64 << 10

    /// Reads all of stdin, without line breaks at the end.
    public static func standardInput() throws -> String {
        let bytes = try OwnedDescriptor("/dev/stdin").readAll(limit: limit)
        return String(decoding: bytes, as: UTF8.self).trimmingLineEnd
    }

    /// Reads a line from the terminal, without echo if `isHidden`.
    public static func ask(_ question: String, isHidden: Bool) throws -> String {
        guard isatty(STDIN_FILENO) == 1 else {
            throw Failure(
                "there is no terminal to ask for a user name and a password",
                remedy: "use --username and --password-stdin", status: .usage)
        }
        var settings = termios()
        unsafe tcgetattr(STDIN_FILENO, &settings)
        var silent = settings
        if isHidden { silent.c_lflag &= ~tcflag_t(ECHO) }
        unsafe tcsetattr(STDIN_FILENO, TCSAFLUSH, &silent)
        defer { unsafe tcsetattr(STDIN_FILENO, TCSAFLUSH, &settings) }
        Terminal.prompt(question)
        let line = readLine() ?? ""
        if isHidden { Terminal.endLine() }
        return line.trimmingLineEnd
    }
}

extension String {
    fileprivate var trimmingLineEnd: String {
        var text = self[...]
        while let last = text.last, last.isNewline { text = text.dropLast() }
        return String(text)
    }
}
