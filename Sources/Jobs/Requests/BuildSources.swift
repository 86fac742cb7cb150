public import Build
internal import Frontend
internal import Linux
internal import OCI
public import Project
internal import SystemPackage

/// The sources of a build: CONTEXT, `-f` and `--build-context`.
public struct BuildSources {
    /// The context.
    public let context: ContextLocation
    /// The Dockerfile.
    public let dockerfile: DockerfileLocation

    /// Finds the context and the Dockerfile.
    ///
    /// - Parameters:
    ///   - text: CONTEXT of the command line.
    ///   - file: The value of `-f`; nil without it.
    public init(_ text: String, file: String?, _ project: ProjectFile = ProjectFile()) throws {
        let location = try ContextLocation(context: text)
        if case .directory(let path) = location {
            if let name = project.build.context { try Self.expectInside(name, of: path, "context") }
            let directory = path.pushing(FilePath(project.build.context ?? ".")).lexicallyNormalized()
            context = .directory(directory.isEmpty ? "." : directory)
            dockerfile = try Self.dockerfile(file) ?? .file(Self.dockerfile(of: project, in: path))
        } else {
            context = location
            let isInside = file.map { $0 != "-" && !$0.contains("://") } ?? true
            dockerfile = isInside ? .inContext(file) : try Self.dockerfile(file) ?? .inContext(nil)
        }
        if context == .standardInput, dockerfile == .standardInput {
            throw Failure("standard input cannot be both the context and the Dockerfile", status: .usage)
        }
    }

    /// Returns the Dockerfile's path on this machine, for checks without a build; `-` is standard input.
    public func path() throws -> String {
        switch dockerfile {
        case .standardInput: return "-"
        case .file(let path): return path.string
        case .inContext, .web:
            throw Failure(
                "only a Dockerfile on this machine can be checked", remedy: "give a directory, or -f FILE",
                status: .usage)
        }
    }

    /// True if the text names a context that is fetched, rather than an image.
    public static func isRemote(_ text: String) throws -> Bool {
        switch try ContextLocation(context: text) {
        case .git, .web: true
        default: false
        }
    }

    /// Parses the values `NAME=VALUE` of `--build-context`.
    public static func contexts(_ texts: [String]) throws -> [String: ContextLocation] {
        var contexts: [String: ContextLocation] = [:]
        for text in texts {
            guard let equals = text.firstIndex(of: "="), equals != text.startIndex else {
                throw Failure("--build-context '\(text)' is not NAME=VALUE", status: .usage)
            }
            let name = StageGraph.contextName(String(text[..<equals]))
            let location = try ContextLocation(named: String(text[text.index(after: equals)...]))
            if case .directory(let path) = location, (try? Directory(path)) == nil {
                throw BuildError.noContext(path.string)
            }
            contexts[name] = location
        }
        return contexts
    }

    private static func dockerfile(_ file: String?) throws -> DockerfileLocation? {
        guard let file else { return nil }
        if file == "-" { return .standardInput }
        guard file.contains("://") else { return .file(FilePath(file)) }
        guard file.hasPrefix("http://") || file.hasPrefix("https://") else {
            throw Failure("-f '\(file)' is neither a file nor an http or https URL", status: .usage)
        }
        return .web(file)
    }

    /// Returns the Dockerfile that the project names, or the default name in `directory`.
    private static func dockerfile(of project: ProjectFile, in directory: FilePath) throws -> FilePath {
        if let name = project.build.dockerfile {
            try expectInside(name, of: directory, "dockerfile")
            return directory.pushing(FilePath(name))
        }
        let usesLower = !fileExists(directory.appending("Dockerfile")) && fileExists(directory.appending("dockerfile"))
        let name = usesLower ? "dockerfile" : "Dockerfile"
        try expectInside(name, of: directory, nil)
        return directory.appending(name)
    }

    /// Refuses a file that a project chooses outside of its directory, by its name or by a symbolic link.
    ///
    /// The project may be hostile; lines of a wrong Dockerfile appear in errors and logs. The user can name any
    /// file on the command line.
    ///
    /// - Parameter key: The key of `thaw.toml`; nil for the default Dockerfile.
    private static func expectInside(_ name: String, of directory: FilePath, _ key: String?) throws {
        do throws(SystemError) {
            let file = try Directory(directory, resolution: .beneath).open(FilePath(name), .path)
            guard key != "context", try ![.regular, .directory].contains(file.status().type) else { return }
            throw SystemError("open", directory.pushing(FilePath(name)), .invalidArgument)
        } catch {
            switch error.errno {
            case .improperLink:
                let subject = key.map { "thaw.toml: \($0) = \"\(name)\"" } ?? "'\(directory.appending(name))'"
                throw Failure(
                    "\(subject) is outside of the directory '\(directory)'",
                    remedy: "name the file on the command line", status: .usage)
            case .invalidArgument:
                throw Failure("'\(directory.pushing(FilePath(name)))' is not a regular file", status: .usage)
            // A missing file has a better error later.
            default: return
            }
        }
    }
}
