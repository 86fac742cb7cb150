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

    /// Adds an image of uncompressed layers with a name and these texts in its configuration.
    ///
    /// - Parameters:
    ///   - settings: The member `config`, as JSON.
    ///   - diffIDs: The diff IDs that the configuration claims; nil for the true ones.
    public func add(
        _ name: String, layers: [[UInt8]], architecture: String = "amd64", settings: String = "{}",
        history: String = "text",
        diffIDs: [String]? = nil
    ) throws {
        let digests = try layers.map { try blob($0) }
        let diffIDs = (diffIDs ?? digests).map { "\"\($0)\"" }.joined(separator: ",")
        let steps = layers.map { _ in "{\"created_by\":\(Self.quoted(history)),\"comment\":\(Self.quoted(history))}" }
        let config = """
            {"architecture":\(Self.quoted(architecture)),"os":"linux","author":\(Self.quoted(history)),"config":\(settings),
            "rootfs":{"type":"layers","diff_ids":[\(diffIDs)]},"history":[\(steps.joined(separator: ","))]}
            """
        let type = "application/vnd.oci.image"
        let listed = zip(digests, layers).map { digest, bytes in
            "{\"mediaType\":\"\(type).layer.v1.tar\",\"digest\":\"\(digest)\",\"size\":\(bytes.count)}"
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
