public import Linux
internal import TOMLKit

/// The rules of a platform for images: the contents of a file such as docs/profiles/cloudflare-containers.toml.
public struct PlatformProfile: Sendable, Equatable {
    /// The name.
    public let name: String
    /// The day on which its facts were read.
    public let date: String
    /// The only platform of images, such as `linux/amd64`.
    public let platform: String
    /// The rule for the size of an image on disk.
    public let size: SizeRule
    /// The sizes of machines.
    public let instances: [Instance]

    /// An image needs `factor` times its files' bytes, and `layer` for each layer.
    public struct SizeRule: Sendable, Equatable {
        public let factor: Double
        public let layer: ByteCount
        /// The disk without an instance type.
        public let disk: ByteCount
    }

    /// A size of machines.
    public struct Instance: Sendable, Equatable {
        public let name: String
        /// Former names.
        public let aliases: [String]
        public let vcpu: Double
        public let memory: ByteCount
        public let disk: ByteCount
    }

    /// Parses a file; `name` is its path in errors.
    public init(parsing text: String, name file: String) throws(ProjectError) {
        let document: ProfileDocument
        try ProjectFile.expectHeaders(text, name: file)
        do {
            document = try TOMLDecoder(strictDecoding: true).decode(ProfileDocument.self, from: text)
        } catch let error as TOMLParseError {
            throw .notTOML(file, line: Int(error.source.begin.line), reason: error.description)
        } catch let error as DecodingError {
            throw .wrongValue(file, key: ProjectFile.path(of: error), reason: "it is missing or has another type")
        } catch {
            throw .wrongValue(file, key: "", reason: "\(error)")
        }
        try self.init(document, file)
    }

    private init(_ document: ProfileDocument, _ file: String) throws(ProjectError) {
        func bytes(_ text: String, _ key: String) throws(ProjectError) -> ByteCount {
            guard let value = ByteCount(text) else {
                throw .wrongValue(file, key: key, reason: "'\(text)' is not \(ConfigKey.Form.size.words)")
            }
            return value
        }
        (name, date, platform) = (document.name, document.date, document.platform)
        guard document.size.factor >= 1, document.size.factor < 1000 else {
            throw .wrongValue(file, key: "size.factor", reason: "it must be a number from 1 to 1000")
        }
        size = SizeRule(
            factor: document.size.factor, layer: try bytes(document.size.layer, "size.layer"),
            disk: try bytes(document.size.disk, "size.disk"))
        var all: [Instance] = []
        for entry in document.instance ?? [] {
            all.append(
                Instance(
                    name: entry.name, aliases: entry.aliases ?? [], vcpu: entry.vcpu,
                    memory: try bytes(entry.memory, "instance.memory"), disk: try bytes(entry.disk, "instance.disk")))
        }
        instances = all
    }

    /// Returns the instance of a name, also a former one; nil if there is none.
    public func instance(named name: String) -> Instance? {
        instances.first { $0.name == name || $0.aliases.contains(name) }
    }

    /// Returns an instance of a size of its own; what it doesn't say has the platform's least values.
    public func custom(vcpu: Double?, memory: ByteCount?, disk: ByteCount?) -> Instance {
        Instance(
            name: "custom", aliases: [], vcpu: vcpu ?? 1, memory: memory ?? ByteCount(3 << 30), disk: disk ?? size.disk)
    }

    /// Returns the bytes of disk that an image needs.
    public func disk(unpacked bytes: Int64, layers: Int) -> ByteCount {
        let need = Double(bytes) * size.factor + Double(layers) * Double(size.layer.bytes)
        return ByteCount(Int64(min(need.rounded(.up), 1e18)))
    }
}

private struct ProfileDocument: Decodable {
    var name: String
    var date: String
    var platform: String
    var size: Size
    var instance: [Instance]?

    struct Size: Decodable {
        var factor: Double
        var layer: String
        var disk: String
    }

    struct Instance: Decodable {
        var name: String
        var aliases: [String]?
        var vcpu: Double
        var memory: String
        var disk: String
    }
}
