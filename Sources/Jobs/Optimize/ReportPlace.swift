internal import Glibc
public import SystemPackage

/// The place of a report that the user did not name.
public enum ReportPlace {
    /// Returns `$XDG_STATE_HOME/thaw/NAME`, outside of every build context.
    ///
    /// - Parameter subject: A directory, whose name counts, or an image, of whose name all other characters than
    ///   letters, digits, `.`, `-` and `_` become `-`.
    public static func directory(for subject: String) -> FilePath {
        let home = Environment["XDG_STATE_HOME"] ?? Environment.home + "/.local/state"
        return FilePath(home).appending("thaw").appending(name(of: subject))
    }

    /// Returns the name of a directory, or that of an image with safe characters.
    public static func name(of subject: String) -> String {
        let full = unsafe realpath(subject, nil)
        defer { unsafe free(full) }
        let path = unsafe full.map { unsafe FilePath(String(cString: $0)) }
        let text = path.map { $0.lastComponent?.string ?? "root" } ?? subject
        let name = String(text.map { $0.isASCII && ($0.isLetter || $0.isNumber) || "._-".contains($0) ? $0 : "-" })
        return name.allSatisfy { $0 == "." } ? "report" : name
    }
}
