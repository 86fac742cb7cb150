import ArgumentParser
import Build
import Jobs
import OCI

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
            if let cache = try await place.steps(for: platform, named: text, TerminalHost()) { imports.append(cache) }
        }
        return imports
    }

    /// Parses `--cache-to`; called before the build, so that wrong usage is reported early.
    func exports() throws -> [CacheLocation] { try cacheTo.map { try CacheLocation($0, "--cache-to", path: "dest") } }
}
