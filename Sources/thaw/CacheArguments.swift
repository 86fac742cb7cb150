import ArgumentParser
import Build
import Jobs
import Linux
import OCI
import Registry
import SystemPackage

/// The options for external caches of build steps.
struct CacheArguments: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "External cache source: type=local,src=DIR or type=registry,ref=NAME, also an image with an inline cache. "
                + "Can be repeated.", valueName: "cache"))
    var cacheFrom: [String] = []

    @Option(
        help: ArgumentHelp(
            "Cache export destination: type=local,dest=DIR, type=registry,ref=NAME or type=inline; with mode=max for "
                + "all stages. Can be repeated.", valueName: "cache"))
    var cacheTo: [String] = []

    /// Reads the caches of `--cache-from`; one that doesn't exist, or can't be reached, is skipped with a note.
    func imports(for platform: Platform) async throws -> [CacheImport] {
        var imports: [CacheImport] = []
        for text in cacheFrom {
            let place = try CacheLocation(text, "--cache-from", path: "src")
            do {
                guard let set = try await place.read(), let records = try CacheRecords(set, for: platform) else {
                    Terminal.note("'\(text)' has no build cache")
                    continue
                }
                imports.append(CacheImport(records, from: set.source))
            } catch let error where !(error is CancellationError) {
                Terminal.note("--cache-from '\(text)' is skipped: \(Failure(error).message)")
            }
        }
        return imports
    }

    /// Parses `--cache-to`; called before the build, so that wrong usage is reported early.
    func exports() throws -> [CacheLocation] { try cacheTo.map { try CacheLocation($0, "--cache-to", path: "dest") } }
}

/// One `--cache-from` or `--cache-to`.
struct CacheLocation {
    /// The type and place of a cache.
    enum Kind {
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
    init(_ text: String, _ option: String, path: String) throws {
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

    /// Opens the cache; returns nil for an inline cache, which has no place of its own.
    func read() async throws -> ImageSet? {
        switch kind {
        case .local(let directory): return try Layout(at: directory).set(tag: nil)
        case .registry(let reference):
            let client = try Registries.client(.quiet)
            let manifest = try await client.manifest(reference)
            return ImageSet(manifest.descriptor, in: try client.repository(of: reference))
        case .inline: return nil
        }
    }

    /// Expects that the directory can be written, unless `ignore-error` is set.
    func expectWritable() throws {
        guard case .local(let directory) = kind, !ignoresErrors else { return }
        try Writable.expectDirectory(directory.string, for: "--cache-to")
    }

    /// Exports the steps of a build.
    func write(_ result: BuildResult, in store: Store) async throws {
        let records = keepsAllSteps ? result.records : result.ownRecords
        do {
            switch kind {
            case .inline: return
            case .local(let directory):
                try LayoutExport([(records.artifact(in: store), [.tag("cache")])]).write(to: directory)
            case .registry(let reference):
                try await Registries.client(.quiet).push(records.artifact(in: store), to: reference, hints: store)
            }
        } catch let error where ignoresErrors && !(error is CancellationError) {
            Terminal.note("the cache was not exported: \(Failure(error).message)")
        }
    }

    /// True if the image itself contains the keys of its layers.
    var isInline: Bool { if case .inline = kind { true } else { false } }
}
