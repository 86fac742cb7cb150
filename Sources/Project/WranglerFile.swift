public import Linux
internal import TOMLKit

/// The containers of a `wrangler.toml`, `wrangler.json` or `wrangler.jsonc`.
public struct WranglerFile: Sendable, Equatable {
    /// The names that wrangler reads, in its order.
    public static let names = ["wrangler.json", "wrangler.jsonc", "wrangler.toml"]

    /// The containers, those of environments last.
    public let containers: [WorkerContainer]

    /// An image of a Worker.
    public struct WorkerContainer: Sendable, Equatable {
        /// The name of its class; with several images, also that of the image: `App/web`.
        public let name: String
        /// The environment of wrangler; nil for the top level.
        public let environment: String?
        /// The path of a Dockerfile or of its directory, or an image reference.
        public let image: String
        /// The build context; nil for the Dockerfile's directory.
        public let context: String?
        /// The values of ARG.
        public let arguments: [String: String]
        /// The size of its machine; nil for the platform's default.
        public let instance: Instance?
    }

    /// The size of a machine.
    public enum Instance: Sendable, Equatable {
        case named(String)
        case custom(vcpu: Double?, memory: ByteCount?, disk: ByteCount?)
    }

    /// Parses a file; the end of its name decides on its language.
    public init(parsing text: String, name: String) throws(WranglerError) {
        let document = name.hasSuffix(".toml") ? try Self.toml(text, name) : try Self.json(text, name)
        guard document.object != nil else { throw .malformed(name, reason: "it is not an object") }
        var all = try Self.containers(document, environment: nil, in: name)
        for (key, value) in (document["env"]?.object ?? [:]).sorted(by: { $0.key < $1.key }) {
            all += try Self.containers(value, environment: key, in: name)
        }
        containers = all
    }

    private static func json(_ text: String, _ name: String) throws(WranglerError) -> JSON {
        do throws(JSONError) { return try JSON(parsing: JSONWithComments.plain(Array(text.utf8))) } catch {
            throw .malformed(name, reason: error.description)
        }
    }

    private static func toml(_ text: String, _ name: String) throws(WranglerError) -> JSON {
        if let line = TOMLHeaders.malformedLine(in: text) {
            throw .malformed("\(name):\(line)", reason: "the name in a table's header begins with a wrong character")
        }
        do {
            return try JSON(parsing: Array(TOMLTable(string: text).convert(to: .json).utf8))
        } catch let error as TOMLParseError {
            throw .malformed("\(name):\(error.source.begin.line)", reason: error.description)
        } catch {
            throw .malformed(name, reason: "\(error)")
        }
    }

    private static func containers(
        _ scope: JSON, environment: String?, in file: String
    ) throws(WranglerError) -> [WorkerContainer] {
        guard let value = scope["containers"] else { return [] }
        guard let list = value.array else { throw .malformed(file, reason: "'containers' is not a list") }
        var result: [WorkerContainer] = []
        for (index, entry) in list.enumerated() {
            let reader = WranglerContainer(entry: entry, index: index, environment: environment, file: file)
            result += try reader.containers()
        }
        return result
    }
}

/// An error in a wrangler file.
public enum WranglerError: ReportableError, Sendable, Equatable {
    case malformed(String, reason: String)
    case missing(String, container: String, key: String)
    case outdated(String, container: String, key: String, instead: String)

    /// A wrong file is a wrong configuration.
    public var kind: FailureKind { .usage }

    public var description: String {
        switch self {
        case .malformed(let file, let reason): "\(file): \(reason)"
        case .missing(let file, let container, let key): "\(file): the container \(container) has no '\(key)'"
        case .outdated(let file, let container, let key, _):
            "\(file): the container \(container) has '\(key)', which wrangler no longer reads"
        }
    }

    public var remedy: String? {
        switch self {
        case .malformed: nil
        case .missing(_, _, let key): "add \(key) = \"./Dockerfile\", or the name of an image"
        case .outdated(_, _, _, let instead): "write \(instead)"
        }
    }
}
