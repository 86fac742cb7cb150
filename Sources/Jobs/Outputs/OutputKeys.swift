internal import Frontend
internal import OCI
internal import SystemPackage

// The keys of `-o`, and the rules that involve several of them.

extension Output {
    private static let imageKeys = [
        "name", "compression", "compression-level", "force-compression", "oci-artifact", "oci-mediatypes",
        "rewrite-timestamp",
    ]

    /// The keys of buildx that thaw does not support.
    private static let foreignKeys: Set<String> = [
        "attestation-inline", "buildinfo", "buildinfo-attrs", "context", "dangling-name-prefix",
        "name-canonical", "prefer-nondist-layers", "source-date-epoch", "store", "unpack",
    ]

    private var keys: [String] {
        switch kind {
        case .oci: Self.imageKeys + ["dest", "tar"]
        case .docker: Self.imageKeys + ["dest"]
        case .image: Self.imageKeys + ["push", "push-by-digest", "registry.insecure"]
        case .registry: Self.imageKeys + ["push-by-digest", "registry.insecure"]
        case .local: ["attestation-prefix", "dest", "platform-split", "mode"]
        case .tar: ["attestation-prefix", "dest", "platform-split"]
        case .cacheonly: []
        }
    }

    mutating func set(_ key: String, _ value: String) throws {
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
        case "attestation-prefix":
            guard !value.contains("/"), !value.contains("\0") else {
                return try fail(key, value: value, wanted: "the beginning of a file's name")
            }
            attestationPrefix = value
        case "platform-split": isSplit = try bool(key, value)
        case "mode":
            mode =
                try DirectoryExport.ForeignFiles(rawValue: value) ?? fail(key, value: value, wanted: "copy or delete")
        case "compression":
            form.compression =
                try OCI.Compression(rawValue: value) ?? fail(key, value: value, wanted: "gzip, zstd or uncompressed")
        case "compression-level":
            form.level =
                try Int(value).flatMap { (0...22).contains($0) ? $0 : nil }
                ?? fail(key, value: value, wanted: "0 to 22")
        case "force-compression": form.isForced = try bool(key, value)
        case "oci-artifact": attestationForm = try bool(key, value) ? .artifact : .image
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
        try Bool(flag: value) ?? fail(key, value: value, wanted: "true or false")
    }

    private func fail<T>(_ key: String, value: String, wanted: String) throws -> T {
        throw Failure("-o type=\(kind.rawValue): \(key) '\(value)' is not \(wanted)", status: .usage)
    }

    /// Checks the rules that involve several keys.
    func check(_ text: String) throws {
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
