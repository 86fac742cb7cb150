import Build
import Harness
import Linux
import OCI
import Synchronization
import SystemPackage

/// The store in which all examples are built, several at once, and the base image that they share.
///
/// Only their keys separate the examples: if the builder confuses two of them, one has a wrong tree.
final class BuildFixture: Sendable {
    let directory: TestDirectory
    let store: Store
    /// The image of `FROM base`.
    let base: (listing: Listing, image: Image)
    private let count = Mutex(0)

    /// The instance of this process.
    static let shared = Task { try await BuildFixture() }

    private init() async throws {
        directory = try TestDirectory()
        store = try Store(at: FilePath(directory.store))
        guard let example = Example.images.first(where: { $0.name == "base" }) else {
            throw FixtureError("there is no example called base: \(Example.all)")
        }
        let place = try ExampleFiles(example, at: "\(directory.path)/base")
        let image = try await Builder(place.request(), store: store).build().image
        _ = try store.publish(image, as: Reference("base"))
        base = (try Listing(parsing: example["tree"] ?? []), image)
    }

    /// Builds an example.
    func build(_ example: Example) async throws -> BuildResult {
        try await Builder(prepare(example).request(), store: store).build()
    }

    /// Builds an example by the program `thaw` and returns its outcome.
    func run(_ example: Example) async throws -> ProgramResult {
        let place = try await prepare(example)
        let words = ["build", "--progress", "quiet"] + place.words
        return try await Offload.run { [directory] in try directory.start(words).wait() }
    }

    /// Makes an example's context and its base images.
    private func prepare(_ example: Example) async throws -> ExampleFiles {
        let number = count.withLock { count in
            count += 1
            return count
        }
        let place = try ExampleFiles(example, at: "\(directory.path)/\(number)")
        for (name, text) in example.named("image") {
            let image = try await Builder(place.request(of: name, text), store: store).build().image
            _ = try store.publish(image, as: Reference(name))
        }
        return place
    }
}

/// An example's files on disk.
private struct ExampleFiles {
    private let example: Example
    private let path: FilePath
    private let root: Directory

    init(_ example: Example, at path: String) throws {
        (self.example, self.path) = (example, FilePath(path))
        root = try Directory.make(FilePath(path))
        let context = try Directory.make(FilePath("\(path)/context"))
        for (name, lines) in example.named("file") {
            try context.replace(FilePath(name), with: Self.text(lines), isSynced: false)
            try context.setModified(of: FilePath(name), FileTime(seconds: 1_000_000_000))
        }
        try Listing.make(example["context"] ?? [], in: context)
        for (name, lines) in example.named("archive") { try makeArchive(name, of: lines) }
        try root.replace("Dockerfile", with: Self.text(example["Dockerfile"] ?? []), isSynced: false)
    }

    private static func text(_ lines: [String]) -> [UInt8] { lines.flatMap { Array($0.utf8) + [0x0a] } }

    /// Packs the files of the lines with the machine's tar.
    private func makeArchive(_ name: String, of lines: [String]) throws {
        try Listing.make(lines, in: Directory.make(path.appending("packed")))
        try Program.shell(
            "tar --sort=name -C packed -caf 'context/\(name)' . && touch -d @1000000000 'context/\(name)' && rm -r packed",
            in: path.string)
    }

    /// The options of the example.
    private var options: [(name: String, value: String)] {
        (example["options"] ?? []).map { line in
            let parts = line.split(separator: " ", maxSplits: 1).map(String.init)
            return (parts[0], parts.count > 1 ? parts[1] : "")
        }
    }

    /// The arguments of `thaw build`.
    var words: [String] {
        options.flatMap { ["--\($0.name)", $0.value] } + ["-f", "\(path)/Dockerfile", "\(path)/context"]
    }

    /// Returns the request for the builder.
    func request() throws -> BuildRequest {
        var request = BuildRequest(
            context: .directory(path.appending("context")), dockerfile: .file(path.appending("Dockerfile")))
        for (name, value) in options {
            let pair = value.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            switch name {
            case "build-arg": request.arguments[pair[0]] = pair[1]
            case "label": request.labels[pair[0]] = pair[1]
            case "target": request.target = value
            case "epoch": request.epoch = Int64(value)
            default: throw FixtureError("\(example.name): no option is called \(name)")
            }
        }
        return request
    }

    /// Returns the request for a base image of the example.
    func request(of name: String, _ text: [String]) throws -> BuildRequest {
        try root.replace(FilePath("\(name).Dockerfile"), with: Self.text(text), isSynced: false)
        return BuildRequest(
            context: .directory(path.appending("context")), dockerfile: .file(path.appending("\(name).Dockerfile")))
    }
}
