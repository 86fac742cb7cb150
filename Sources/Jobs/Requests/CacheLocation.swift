public import Build
public import OCI
internal import Registry
internal import SystemPackage

/// One `--cache-from` or `--cache-to`.
public struct CacheLocation: Sendable {
    /// The type and place of a cache.
    enum Kind: Sendable {
        case local(FilePath)
        case registry(Reference)
        case inline
    }

    let kind: Kind
    /// True if the steps of all stages are exported, not only those of the image (mode=max).
    private let keepsAllSteps: Bool
    private let ignoresErrors: Bool

    /// Parses `type=TYPE,KEY=VALUE,...`; a name alone is a cache in a registry.
    ///
    /// - Parameter path: The key of a directory, `src` or `dest`.
    public init(_ text: String, _ option: String, path: String) throws {
        guard text.contains("=") else {
            (kind, keepsAllSteps, ignoresErrors) = (.registry(try reference(text)), false, false)
            return
        }
        var fields: [String: String] = [:]
        for field in try CSV.fields(text, option) {
            let parts = field.split(separator: "=", maxSplits: 1).map(String.init)
            guard parts.count == 2, ["type", path, "ref", "mode", "ignore-error"].contains(parts[0]) else {
                throw Failure(
                    "\(option) '\(text)': '\(field)' is not type=, \(path)=, ref=, mode= or ignore-error=",
                    status: .usage)
            }
            fields[parts[0]] = parts[1]
        }
        switch (fields["type"], fields[path], fields["ref"]) {
        case ("local", let directory?, nil): kind = .local(FilePath(directory))
        case ("registry", nil, let name?): kind = .registry(try reference(name))
        case ("inline", nil, nil) where path == "dest": kind = .inline
        default:
            let inline = path == "dest" ? " or type=inline" : ""
            throw Failure(
                "\(option) '\(text)' is not type=local,\(path)=DIR, type=registry,ref=NAME\(inline)", status: .usage)
        }
        guard ["min", "max", nil].contains(fields["mode"]) else {
            throw Failure("\(option) '\(text)': mode is not min or max", status: .usage)
        }
        keepsAllSteps = fields["mode"] == "max"
        ignoresErrors = fields["ignore-error"] == "true"
    }

    /// Returns the steps of a cache to import; nil with a note if it doesn't exist or can't be reached.
    ///
    /// - Parameter name: The value of the option, for notes.
    public func steps(for platform: Platform, named name: String, _ host: any JobHost) async throws -> CacheImport? {
        do {
            guard let set = try await read(host), let records = try CacheRecords(set, for: platform) else {
                host.note("'\(name)' has no build cache")
                return nil
            }
            return CacheImport(records, from: set.source)
        } catch let error where !(error is CancellationError) {
            host.note("--cache-from '\(name)' is skipped: \(Failure(error).message)")
            return nil
        }
    }

    /// Opens the cache; returns nil for an inline cache, which has no place of its own.
    private func read(_ host: any JobHost) async throws -> ImageSet? {
        switch kind {
        case .local(let directory): return try Layout(at: directory).set(tag: nil)
        case .registry(let reference):
            let client = try host.registryClient(.quiet) { _ in }
            let manifest = try await client.manifest(reference)
            return ImageSet(manifest.descriptor, in: try client.repository(of: reference))
        case .inline: return nil
        }
    }

    /// Expects that the directory can be written, unless `ignore-error` is set.
    public func expectWritable() throws {
        guard case .local(let directory) = kind, !ignoresErrors else { return }
        try Writable.expectDirectory(directory.string, for: "--cache-to")
    }

    /// Exports the steps of a build.
    public func write(_ result: BuildResult, in store: Store, _ host: any JobHost) async throws {
        let records = keepsAllSteps ? result.records : result.ownRecords
        do {
            switch kind {
            case .inline: return
            case .local(let directory):
                try LayoutExport([(records.artifact(in: store), [.tag("cache")])]).write(to: directory)
            case .registry(let reference):
                try await host.registryClient(.quiet) { _ in }.push(
                    records.artifact(in: store), to: reference, hints: store)
            }
        } catch let error where ignoresErrors && !(error is CancellationError) {
            host.note("the cache was not exported: \(Failure(error).message)")
        }
    }

    /// True if the image itself contains the keys of its layers.
    public var isInline: Bool { if case .inline = kind { true } else { false } }
}
