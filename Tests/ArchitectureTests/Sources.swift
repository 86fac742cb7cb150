import Harness

/// The files of the work tree as text.
enum Sources {
    /// Returns a file's text.
    static func text(_ path: String) throws -> String { try Program.shell("cat '\(path)'", in: Repository.path) }

    /// Returns the paths of the files below folders, sorted.
    static func files(below folders: String...) throws -> [String] {
        try Program.shell("find \(folders.joined(separator: " ")) -type f | LC_ALL=C sort", in: Repository.path)
            .split(separator: "\n").map(String.init)
    }

    /// Returns the names of the targets' folders.
    static func targets() throws -> [String] {
        try Program.shell("ls Sources", in: Repository.path).split(separator: "\n").map(String.init)
    }

    /// Returns the lines of a file without comments and without the text between quotes.
    static func code(_ path: String) throws -> [Substring] {
        try text(path).split(separator: "\n", omittingEmptySubsequences: false).map { line in
            let plain = line.replacing(/"(\\.|[^"\\])*"/, with: "\"\"")
            return plain.firstRange(of: "//").map { plain[..<$0.lowerBound] } ?? plain[...]
        }
    }

    /// True if a path names Swift or C.
    static func isCode(_ path: String) -> Bool { [".swift", ".c", ".h"].contains { path.hasSuffix($0) } }

    /// Returns the text of a file's comments that begin with `//`, with the number of its line.
    static func comments(_ path: String) throws -> [(number: Int, text: String)] {
        try matches(of: path, /(?:^|[^:"])\/\/+ ?(.*)/)
    }

    /// Returns the text between quotes, with the number of its line.
    ///
    /// A line of a text of several lines counts as a whole.
    static func strings(_ path: String) throws -> [(number: Int, text: String)] {
        var (found, isInside) = ([(number: Int, text: String)](), false)
        for (index, line) in try text(path).split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
            if line.contains("\"\"\"") {
                isInside.toggle()
            } else if isInside {
                found.append((index + 1, String(line)))
            } else {
                found += line.matches(of: /"((?:\\.|[^"\\])*)"/).map { (index + 1, String($0.1)) }
            }
        }
        return found
    }

    private static func matches(
        of path: String, _ pattern: Regex<(Substring, Substring)>
    ) throws -> [(number: Int, text: String)] {
        try text(path).split(separator: "\n", omittingEmptySubsequences: false).enumerated().compactMap { index, line in
            line.firstMatch(of: pattern).map { (index + 1, String($0.1)) }
        }
    }

    /// Returns the modules that a target's files import.
    static func imports(of target: String) throws -> Set<String> {
        var modules: Set<String> = []
        for file in try files(below: "Sources/\(target)") where file.hasSuffix(".swift") {
            for line in try code(file) {
                guard
                    let match = try /^\s*(@\w+\s+)*((public|internal|package|fileprivate|private)\s+)?import\s+(\w+)/
                        .firstMatch(in: line)
                else { continue }
                modules.insert(String(match.4))
            }
        }
        return modules
    }
}
