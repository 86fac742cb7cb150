internal import Frontend
internal import Linux
internal import OCI
internal import SystemPackage

/// What the Dockerfile asks for: the stages that the target needs, and who waits for whom.
struct BuildPlan: Sendable {
    let dockerfile: Dockerfile
    let scope: GlobalScope
    let graph: StageGraph
    let target: Int
    /// The stages to build, in the order of the file.
    let stages: [Int]
    let dependencies: [Int: Set<Int>]

    init(_ request: BuildRequest) throws {
        dockerfile = try Self.read(request)
        let file = dockerfile
        func checked<T>(_ body: () throws(Diagnostic) -> T) throws(BuildError) -> T { try Self.checked(file, body) }

        let platform = PlatformArguments(
            os: request.platform.os, architecture: request.platform.architecture,
            variant: request.platform.variant ?? "")
        let host = PlatformArguments(os: Platform.host.os, architecture: Platform.host.architecture)
        let arguments = BuildArguments(
            values: request.arguments, build: host, target: platform, targetStage: request.target)
        let scope = try checked { () throws(Diagnostic) in try GlobalScope(file, arguments) }
        let graph = try checked { () throws(Diagnostic) in try StageGraph(file, scope) }
        let target = try checked { () throws(Diagnostic) in try graph.target(request.target) }
        stages = try checked { () throws(Diagnostic) in try graph.reachable(from: target) }
        var dependencies: [Int: Set<Int>] = [:]
        for index in stages {
            dependencies[index] = try checked { () throws(Diagnostic) in try graph.dependencies(of: index) }
        }
        self.dependencies = dependencies
        (self.scope, self.graph, self.target) = (scope, graph, target)
    }

    /// A line of the Dockerfile.
    func place(_ line: Int) -> BuildError.Place { BuildError.Place(file: dockerfile.name, line: line) }

    /// Runs `body`, and shows what it complains about in its line.
    func checked<T>(_ body: () throws(Diagnostic) -> T) throws(BuildError) -> T {
        try Self.checked(dockerfile, body)
    }

    private static func checked<T>(
        _ dockerfile: Dockerfile, _ body: () throws(Diagnostic) -> T
    ) throws(BuildError) -> T {
        do {
            return try body()
        } catch {
            throw .dockerfile(dockerfile.error(error))
        }
    }

    private static func read(_ request: BuildRequest) throws -> Dockerfile {
        let path = request.dockerfile
        let bytes: [UInt8]
        do {
            bytes = try OwnedDescriptor(path).readAll(limit: 64 << 20)
        } catch {
            guard error.errno == .noSuchFileOrDirectory || error.errno == .isDirectory else { throw error }
            throw BuildError.noDockerfile(path.string)
        }
        do {
            let name = path.lastComponent?.string ?? path.string
            return try Dockerfile(parsing: bytes, name: name, syntax: request.arguments["BUILDKIT_SYNTAX"])
        } catch {
            throw BuildError.dockerfile(error)
        }
    }
}
