/// The maker of OCI layouts that no tool would write, document by document.
public struct LayoutMaker {
    private let testDirectory: TestDirectory
    private let directory: String

    /// Makes a layout in a directory of the bench.
    public init(_ directory: String, in testDirectory: TestDirectory) throws {
        self.testDirectory = testDirectory
        self.directory = directory
        try testDirectory.write("\(directory)/oci-layout", #"{"imageLayoutVersion":"1.0.0"}"#)
    }

    /// Adds an image of layers, uncompressed or as gzip, with a name and these texts in its configuration.
    ///
    /// - Parameters:
    ///   - settings: The member `config`, as JSON.
    ///   - diffIDs: The diff IDs that the configuration claims; nil for the true ones.
    public func add(
        _ name: String, layers: [[UInt8]], architecture: String = "amd64", settings: String = "{}",
        history: String = "text",
        diffIDs: [String]? = nil, isGzip: Bool = false
    ) throws {
        let digests = try layers.map { try blob($0) }
        let diffIDs = (diffIDs ?? digests).map { "\"\($0)\"" }.joined(separator: ",")
        let steps = layers.map { _ in "{\"created_by\":\(Self.quoted(history)),\"comment\":\(Self.quoted(history))}" }
        let config = """
            {"architecture":\(Self.quoted(architecture)),"os":"linux","author":\(Self.quoted(history)),"config":\(settings),
            "rootfs":{"type":"layers","diff_ids":[\(diffIDs)]},"history":[\(steps.joined(separator: ","))]}
            """
        let type = "application/vnd.oci.image"
        let listed = try zip(digests, layers).map { digest, bytes in
            let (digest, size, suffix) = try isGzip ? compressed(digest) : (digest, "\(bytes.count)", "")
            return "{\"mediaType\":\"\(type).layer.v1.tar\(suffix)\",\"digest\":\"\(digest)\",\"size\":\(size)}"
        }
        let configDigest = try blob(Array(config.utf8))
        let manifest = """
            {"schemaVersion":2,"mediaType":"\(type).manifest.v1+json",
            "config":{"mediaType":"\(type).config.v1+json","digest":"\(configDigest)","size":\(config.utf8.count)},
            "layers":[\(listed.joined(separator: ","))]}
            """
        let digest = try blob(Array(manifest.utf8))
        try testDirectory.write(
            "\(directory)/index.json",
            """
            {"schemaVersion":2,"manifests":[{"mediaType":"\(type).manifest.v1+json","digest":"\(digest)",
            "size":\(manifest.utf8.count),"annotations":{"org.opencontainers.image.ref.name":"\(name)"}}]}
            """)
    }

    private func blob(_ bytes: [UInt8]) throws -> String {
        try testDirectory.write("\(directory)/new", bytes)
        let script = """
            mkdir -p blobs/sha256
            digest=$(sha256sum <new | cut -d' ' -f1)
            mv new blobs/sha256/$digest
            echo sha256:$digest
            """
        return try Program.shell(script, in: "\(testDirectory.path)/\(directory)")
    }

    /// Compresses a blob, and returns the digest and the size of the new one, and the end of its media type.
    private func compressed(_ digest: String) throws -> (digest: String, size: String, suffix: String) {
        let script = """
            cd blobs/sha256
            gzip -nc \(digest.dropFirst("sha256:".count)) >new
            digest=$(sha256sum <new | cut -d' ' -f1)
            mv new $digest
            echo sha256:$digest $(stat -c %s $digest)
            """
        let words = try Program.shell(script, in: "\(testDirectory.path)/\(directory)").split(separator: " ")
        return (String(words[0]), String(words[1]), "+gzip")
    }

    /// Returns a text as a JSON string.
    public static func quoted(_ text: String) -> String {
        let scalars = text.unicodeScalars.map { scalar -> String in
            guard scalar.value < 0x20 || scalar == "\"" || scalar == "\\" else { return String(scalar) }
            let digits = String(scalar.value, radix: 16)
            return "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
        }
        return "\"" + scalars.joined() + "\""
    }
}
