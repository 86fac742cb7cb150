internal import Frontend
internal import Linux
public import OCI
internal import SystemPackage

/// The lines of a Dockerfile that made the layers of an image, by the image's history.
///
/// They are known only if the history ends with the instructions of the file: the same keywords in the same order, and the
/// same command of every RUN. Otherwise the image is of another file or version, and no line is named.
public struct DockerfilePlaces: Sendable, Equatable {
    /// The places such as `Dockerfile:12`, by layer.
    public let places: [Int: String]

    /// No lines.
    public static let none = DockerfilePlaces(places: [:])

    private init(places: [Int: String]) { self.places = places }

    /// Reads the Dockerfile at `path`, and finds the lines of the image's layers.
    ///
    /// - Parameter target: The stage that was built; nil for the last.
    public init(of image: Image, in path: String, target: String? = nil) throws {
        let file = try OwnedDescriptor(FilePath(path), [.read, .nonBlocking])
        guard try file.status().type == .regular else {
            throw Failure("'\(path)' is not a regular file", status: .usage)
        }
        try self.init(of: image, parsing: file.readAll(limit: 8 << 20), name: path, target: target)
    }

    /// Finds the lines in the bytes of a Dockerfile; `name` is its path.
    init(of image: Image, parsing bytes: [UInt8], name: String, target: String? = nil) throws {
        let file: Dockerfile
        do { file = try Dockerfile(parsing: bytes, name: name) } catch {
            throw Failure("the Dockerfile '\(name)' can't be parsed", remedy: "check it with thaw lint", status: .usage)
        }
        let steps = Self.steps(of: file, target: target)
        let history = image.config.history
        guard !steps.isEmpty, steps.count <= history.count else {
            self = .none
            return
        }
        var places: [Int: String] = [:]
        let first = history.count - steps.count
        var layer = history[..<first].count { !$0.isEmptyLayer }
        for (line, step) in zip(history[first...], steps) {
            guard step.made(line.createdBy ?? "") else {
                self = .none
                return
            }
            if line.isEmptyLayer { continue }
            if layer < image.layers.count { places[layer] = "\(name):\(step.lines.lowerBound)" }
            layer += 1
        }
        self.init(places: places)
    }

    /// Returns the instructions of a stage and of the stages that it is built on, lowest first.
    private static func steps(of file: Dockerfile, target: String?) -> [Located<Instruction>] {
        let wanted = target.map { name in file.stages.last { $0.label == name.lowercased() } } ?? file.stages.last
        var steps: [Located<Instruction>] = []
        var next = wanted
        while let stage = next {
            steps = stage.instructions + steps
            next = file.stages[..<stage.index].last { $0.name == stage.base.text.lowercased() }
        }
        return steps
    }
}

extension Located<Instruction> {
    /// True if a history line is that of this instruction.
    fileprivate func made(_ createdBy: String) -> Bool {
        var words = createdBy.split(whereSeparator: \.isWhitespace)
        // The classic builder writes `/bin/sh -c #(nop)  COPY file:…`, and for RUN only the command.
        if words.starts(with: ["/bin/sh", "-c", "#(nop)"]) {
            words.removeFirst(3)
        } else if words.starts(with: ["/bin/sh", "-c"]) {
            words.insert("RUN", at: 0)
        }
        guard words.first.map(String.init) == value.keyword else { return false }
        guard case .run(let run) = value, run.heredocs.isEmpty, case .shell(let command) = run.command else {
            return true
        }
        if words.suffix(2) == ["#", "buildkit"] { words.removeLast(2) }
        let wanted = command.split(whereSeparator: \.isWhitespace)
        return words.suffix(wanted.count) == wanted[...]
    }
}
