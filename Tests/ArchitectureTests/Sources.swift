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

    /// Returns the lines of files and folders that match an extended regular expression, `PATH:NUMBER:LINE` each.
    ///
    /// `grep` reads all sources in milliseconds, where Swift's regular expressions need a minute.
    static func lines(matching pattern: String, _ options: String = "", in paths: [String]) throws -> [Substring] {
        try Program.shell(
            "grep -rn \(options) -E '\(pattern)' \(paths.joined(separator: " ")) || test $? = 1", in: Repository.path
        ).split(separator: "\n")
    }

    /// Returns the names of the types that the Swift files of folders declare.
    static func types(in folders: [String]) throws -> Set<String> {
        let declaration = "\\b(struct|class|enum|actor|protocol) +[A-Za-z0-9_]+"
        let found = try lines(matching: declaration, "-oh --include=*.swift", in: folders)
        return Set(found.compactMap { $0.split(separator: " ").last.map(String.init) })
    }

    /// Returns the types that the Swift files below Sources declare, each with its file; links are not followed.
    static func declaredTypes() throws -> [(file: Substring, name: String)] {
        let words = "public|private|fileprivate|final|indirect|@[a-zA-Z]+"
        let declaration = "^ *((\(words)) +)*(struct|class|enum|actor|protocol) +[A-Z][A-Za-z0-9_]*"
        return try lines(matching: declaration, "-o --include=*.swift", in: ["$(find Sources -type f -name '*.swift')"])
            .compactMap { line in
                let parts = line.split(separator: ":", maxSplits: 2)
                guard let name = parts.last?.split(separator: " ").last else { return nil }
                return (parts[0], String(name))
            }
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

    /// Returns the modules that a target's files import.
    static func imports(of target: String) throws -> Set<String> {
        try files(below: "Sources/\(target)").filter { $0.hasSuffix(".swift") }.reduce(into: []) {
            $0.formUnion(try imports(in: $1))
        }
    }

    /// Returns the modules that a file imports.
    static func imports(in file: String) throws -> Set<String> {
        var modules: Set<String> = []
        for line in try code(file) {
            guard
                let match = try /^\s*(@\w+\s+)*((public|internal|package|fileprivate|private)\s+)?import\s+(\w+)/
                    .firstMatch(in: line)
            else { continue }
            modules.insert(String(match.4))
        }
        return modules
    }
}
