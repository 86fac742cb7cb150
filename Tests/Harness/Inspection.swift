/// The documents of an image in a store, which is an OCI layout; read by this harness, not by `thaw`.
public struct Inspection: Sendable {
    private let store: String
    /// The digest of the manifest.
    public let digest: String
    public let manifest: Document
    /// The whole configuration document; its member `config` has the settings of containers.
    public let config: Document

    /// Reads the image with this short name.
    public init(_ name: String, in directory: TestDirectory) throws {
        store = directory.store
        let index = try Document(parsing: Program.shell("cat '\(directory.store)/index.json'"))
        let full = "docker.io/library/\(name):latest"
        let entry = index["manifests"].list.first {
            $0["annotations"]["org.opencontainers.image.ref.name"].text == full
        }
        guard let digest = entry?["digest"].text else {
            throw ProgramFailure(description: "\(full) is not in \(directory.store)")
        }
        self.digest = digest
        manifest = try Document(parsing: Program.shell("cat '\(Self.blob(digest, in: directory.store))'"))
        config = try Document(
            parsing: Program.shell("cat '\(Self.blob(manifest["config"]["digest"].text ?? "", in: directory.store))'"))
    }

    /// Returns a setting of containers: `Env`, `Cmd`, `User`.
    public func setting(_ name: String) -> Document { config["config"][name] }

    /// The entries of each layer as GNU tar lists them, sorted: mode, owner by number, path, target of a link.
    public func listings() throws -> [[String]] {
        try manifest["layers"].list.map { layer in
            let blob = Self.blob(layer["digest"].text ?? "", in: store)
            let text = try Program.shell("tar --numeric-owner --full-time -tvf '\(blob)'")
            return text.split(separator: "\n").map { line in
                let words = line.split(separator: " ", maxSplits: 5, omittingEmptySubsequences: true)
                return words.count == 6 ? "\(words[0]) \(words[1]) \(words[5])" : String(line)
            }
        }
    }

    /// Returns the content of a file in a layer.
    public func content(of path: String, inLayer index: Int) throws -> String {
        let blob = Self.blob(manifest["layers"][index]["digest"].text ?? "", in: store)
        return try Program.shell("tar -xOf '\(blob)' '\(path)'")
    }

    private static func blob(_ digest: String, in store: String) -> String {
        "\(store)/blobs/sha256/\(digest.split(separator: ":").last ?? "")"
    }
}

extension TestDirectory {
    /// Returns the faults of the store: blobs with a wrong digest, half-written files, names without an image.
    public func faults() throws -> [String] {
        let script = """
            cd '\(store)/blobs/sha256' 2>/dev/null || exit 0 # a store that was never made has no faults
            [ -z "$(ls)" ] || ls | sed 's/.*/&  &/' | sha256sum -c --quiet 2>&1 || true
            cd ../..
            find thaw/ingest -type f 2>/dev/null || true
            find thaw/layers -maxdepth 1 -name 'tmp.*' 2>/dev/null || true
            """
        var faults = try Program.shell(script).split(separator: "\n").map(String.init)
        for image in try document("images", "--format", "json")["images"].list {
            let name = image["name"].text ?? "?"
            let outcome = try thaw("history", name)
            if outcome.status != 0 { faults.append("\(name): \(outcome.error)") }
        }
        return faults
    }
}
