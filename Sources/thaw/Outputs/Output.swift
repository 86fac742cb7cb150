import Build
import Frontend
import Jobs
import OCI
import SystemPackage

/// One `-o`: the destination and the form of a build's result.
struct Output {
    /// The type of the output.
    enum Kind: String, CaseIterable {
        case oci, docker, image, registry, local, tar, cacheonly

        /// True if the output is an image; false for its files or nothing.
        var isImage: Bool { self != .local && self != .tar && self != .cacheonly }
    }

    let kind: Kind
    /// The names of the image; if empty, those of `-t`.
    var names: [Reference] = []
    /// A file or a directory; `-` is stdout.
    private(set) var destination: String?
    /// True if an OCI layout is written as a tar.
    private(set) var isTar = true
    var isPushed = false
    private(set) var isPushedByDigest = false
    private(set) var isInsecure = false
    private(set) var isSplit: Bool?
    private(set) var mode = DirectoryExport.Mode.copy
    private(set) var form = LayerForm()
    private(set) var annotations = Annotations()

    /// True if the output is one stream of bytes; false for a directory.
    var hasStream: Bool { kind == .tar || kind == .docker || kind == .oci && isTar }

    init(_ kind: Kind) {
        self.kind = kind
        isPushed = kind == .registry
    }

    /// Reads `type=TYPE,KEY=VALUE,...` as buildx has it; a text without `type=` is a directory, `-` a tar on stdout.
    init(parsing text: String) throws {
        let fields = try CSV.fields(text, "-o")
        if fields.count == 1, fields[0] == text, !text.hasPrefix("type=") {
            self.init(text == "-" ? .tar : .local)
            destination = text
            try check(text)
            return
        }
        var pairs: [(key: String, value: String)] = []
        for field in fields {
            guard let equals = field.firstIndex(of: "=") else {
                throw Failure("-o '\(text)': '\(field)' is not KEY=VALUE", status: .usage)
            }
            let key = field[..<equals].trimmingSpaces
            // Keys of annotations have letters of both cases; all others are lower-case.
            pairs.append(
                (key.hasPrefix("annotation") ? key : key.lowercased(), String(field[field.index(after: equals)...])))
        }
        guard let type = pairs.last(where: { $0.key == "type" })?.value else {
            throw Failure("-o '\(text)' has no type", remedy: Self.typesRemedy, status: .usage)
        }
        guard let kind = Kind(rawValue: type) else {
            let ending = Suggestion.ending(for: type, in: Kind.allCases.map(\.rawValue))
            throw Failure(
                "-o '\(text)': '\(type)' is no type of output\(ending)", remedy: Self.typesRemedy, status: .usage)
        }
        self.init(kind)
        for (key, value) in pairs where key != "type" { try set(key, value) }
        try check(text)
    }

    private static let typesRemedy = "types are " + Kind.allCases.map(\.rawValue).joined(separator: ", ")
}

// MARK: - Keys

extension Output {
    private static let imageKeys = [
        "name", "compression", "compression-level", "force-compression", "oci-mediatypes", "rewrite-timestamp",
    ]

    /// The keys of buildx that thaw does not support.
    private static let foreignKeys: Set<String> = [
        "attestation-inline", "attestation-prefix", "buildinfo", "buildinfo-attrs", "context", "dangling-name-prefix",
        "name-canonical", "oci-artifact", "prefer-nondist-layers", "source-date-epoch", "store", "unpack",
    ]

    private var keys: [String] {
        switch kind {
        case .oci: Self.imageKeys + ["dest", "tar"]
        case .docker: Self.imageKeys + ["dest"]
        case .image: Self.imageKeys + ["push", "push-by-digest", "registry.insecure"]
        case .registry: Self.imageKeys + ["push-by-digest", "registry.insecure"]
        case .local: ["dest", "platform-split", "mode"]
        case .tar: ["dest", "platform-split"]
        case .cacheonly: []
        }
    }

    private mutating func set(_ key: String, _ value: String) throws {
        do {
            if kind.isImage, try annotations.add(attribute: key, value) { return }
        } catch {
            throw Failure("-o type=\(kind.rawValue): \(error)", status: .usage)
        }
        guard keys.contains(key) else { throw unknown(key) }
        switch key {
        case "name": names += try value.split(separator: ",").map { try reference($0.trimmingSpaces) }
        case "dest": destination = value
        case "tar": isTar = try bool(key, value)
        case "push": isPushed = try bool(key, value)
        case "push-by-digest": isPushedByDigest = try bool(key, value)
        case "registry.insecure": isInsecure = try bool(key, value)
        case "platform-split": isSplit = try bool(key, value)
        case "mode": mode = try DirectoryExport.Mode(rawValue: value) ?? fail(key, value, "copy or delete")
        case "compression":
            form.compression = try OCI.Compression(rawValue: value) ?? fail(key, value, "gzip, zstd or uncompressed")
        case "compression-level":
            form.level = try Int(value).flatMap { (0...22).contains($0) ? $0 : nil } ?? fail(key, value, "0 to 22")
        case "force-compression": form.isForced = try bool(key, value)
        case "oci-mediatypes": form.types = try bool(key, value) ? .oci : .docker
        // Times are always cut to SOURCE_DATE_EPOCH where there is one.
        case "rewrite-timestamp": _ = try bool(key, value)
        default: throw unknown(key)
        }
    }

    private func unknown(_ key: String) -> Failure {
        if Self.foreignKeys.contains(key) {
            return Failure("-o type=\(kind.rawValue): the key '\(key)' is not supported", status: .usage)
        }
        let all = keys + (kind.isImage ? ["annotation.KEY"] : [])
        let remedy = all.isEmpty ? "it has none" : "keys are " + all.joined(separator: ", ")
        let ending = Suggestion.ending(for: key, in: keys)
        return Failure("-o type=\(kind.rawValue) has no key '\(key)'\(ending)", remedy: remedy, status: .usage)
    }

    private func bool(_ key: String, _ value: String) throws -> Bool {
        switch value {
        case "1", "t", "T", "TRUE", "true", "True": true
        case "0", "f", "F", "FALSE", "false", "False": false
        default: try fail(key, value, "true or false")
        }
    }

    private func fail<T>(_ key: String, _ value: String, _ wanted: String) throws -> T {
        throw Failure("-o type=\(kind.rawValue): \(key) '\(value)' is not \(wanted)", status: .usage)
    }

    /// Checks the rules that involve several keys.
    private func check(_ text: String) throws {
        func refuse(_ reason: String) throws { throw Failure("-o '\(text)': \(reason)", status: .usage) }
        switch kind {
        case .local, .docker, .oci, .tar:
            if destination?.isEmpty ?? true {
                try refuse("dest is missing" + (kind == .docker ? "; --load stores the image" : ""))
            }
        case .image, .registry, .cacheonly: break
        }
        if destination == "-", kind == .local || !isTar { try refuse("a directory cannot be stdout") }
        if kind == .local, mode == .delete, FilePath(destination ?? "").lexicallyNormalized() == "/" {
            try refuse("mode=delete would empty this machine")
        }
        if form.types == .docker, form.compression == .zstd { try refuse("Docker has no media type for zstd") }
        if form.types == .docker, !annotations.isEmpty { try refuse("Docker's manifests have no annotations") }
        if let level = form.level {
            guard let compression = form.compression else { return try refuse("compression-level needs compression") }
            switch compression {
            case .gzip: if level > 9 { try refuse("gzip's levels are 0 to 9") }
            case .zstd: if level < 1 { try refuse("zstd's levels are 1 to 22") }
            case .uncompressed: try refuse("compression-level needs gzip or zstd")
            }
        }
    }
}

/// A line of comma-separated fields (RFC 4180).
enum CSV {
    /// Splits a line into fields; a field in double quotes may contain commas, and `""` for a quote.
    static func fields(_ line: String, _ option: String) throws -> [String] {
        func malformed() -> Failure {
            Failure("\(option) '\(line)': a quote must be around a whole field: \"name=a,b\"", status: .usage)
        }
        var fields: [String] = []
        var rest = line[...]
        while true {
            var field = ""
            if rest.first == "\"" {
                rest = rest.dropFirst()
                while true {
                    guard let end = rest.firstIndex(of: "\"") else { throw malformed() }
                    field += rest[..<end]
                    rest = rest[rest.index(after: end)...]
                    guard rest.first == "\"" else { break }
                    field += "\""
                    rest = rest.dropFirst()
                }
            } else {
                field = String(rest.prefix { $0 != "," })
                rest = rest.dropFirst(field.count)
                if field.contains("\"") { throw malformed() }
            }
            fields.append(field)
            if rest.isEmpty { return fields }
            guard rest.first == "," else { throw malformed() }
            rest = rest.dropFirst()
        }
    }
}

extension StringProtocol {
    /// The text without spaces at either end.
    var trimmingSpaces: String {
        String(drop { $0 == " " }.reversed().drop { $0 == " " }.reversed())
    }
}
