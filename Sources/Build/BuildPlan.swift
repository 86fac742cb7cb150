internal import Frontend
internal import OCI

/// The parsed Dockerfile with the stages that the target needs, and the dependencies between them.
struct BuildPlan: Sendable {
    let dockerfile: Dockerfile
    let scope: GlobalScope
    let graph: StageGraph
    let target: Int
    /// The stages to build, in the order of the file.
    private(set) var stages: [Int]
    private(set) var dependencies: [Int: Set<Int>]
    /// The stages that named contexts refer to, by the context's name.
    let contextStages: [String: Int]

    init(_ request: BuildRequest, dockerfile text: (bytes: [UInt8], name: String)) throws {
        dockerfile = try Self.parsed(text, request)
        let file = dockerfile
        func checked<T>(_ body: () throws(Diagnostic) -> T) throws(BuildError) -> T { try Self.checked(file, body) }

        // The variant of the host is no part of the predefined arguments.
        let host = PlatformArguments(os: Platform.host.os, architecture: Platform.host.architecture)
        let arguments = BuildArguments(
            values: request.arguments, build: host, target: PlatformArguments(request.platform),
            targetStage: request.target)
        _ = try checked { () throws(Diagnostic) in try CheckOptions(arguments) }
        let scope = try checked { () throws(Diagnostic) in try GlobalScope(file, arguments) }
        let graph = try checked { () throws(Diagnostic) in
            try StageGraph(file, scope, contexts: Set(request.contexts.keys))
        }
        let target = try checked { () throws(Diagnostic) in try graph.target(request.target) }
        let contextStages = try Self.contextStages(request, graph)
        dependencies = try checked { () throws(Diagnostic) in
            try Self.dependencies(of: target, in: graph, file: file, contexts: contextStages)
        }
        stages = dependencies.keys.sorted()
        (self.scope, self.graph, self.target, self.contextStages) = (scope, graph, target, contextStages)
        if !contextStages.isEmpty { try Self.checkOrder(dependencies) }
    }

    private static func contextStages(_ request: BuildRequest, _ graph: StageGraph) throws(BuildError) -> [String: Int]
    {
        var stages: [String: Int] = [:]
        for (name, location) in request.contexts {
            guard case .stage(let stage) = location else { continue }
            do {
                stages[StageGraph.contextName(name)] = try graph.target(stage)
            } catch {
                throw .badContext("target:\(stage)", reason: "names no stage of the Dockerfile")
            }
        }
        return stages
    }

    /// Returns every stage that `target` needs, each with the stages that it waits for.
    private static func dependencies(
        of target: Int, in graph: StageGraph, file: Dockerfile, contexts: [String: Int]
    ) throws(Diagnostic) -> [Int: Set<Int>] {
        var found: [Int: Set<Int>] = [:]
        var waiting = [target]
        while let index = waiting.popLast() {
            guard found[index] == nil else { continue }
            var needed = try graph.dependencies(of: index)
            for name in try names(of: index, graph, file) {
                if let stage = contexts[name] { needed.insert(stage) }
            }
            found[index] = needed
            waiting += needed
        }
        return found
    }

    /// Adds the stages that ONBUILD triggers of a stage's base image read, and all that these need.
    mutating func add(triggers: [String], of stage: Int) throws {
        var needed: Set<Int> = []
        for text in triggers {
            // A wrong trigger is reported when it runs.
            guard let instruction = try? Instruction(parsingTrigger: text) else { continue }
            for (word, allowsIndex) in instruction.froms {
                // The place of the trigger's word is in another file.
                let from = Word(word.text, at: dockerfile.stages[stage].from.position)
                switch try checked({ () throws(Diagnostic) in
                    try graph.source(from, in: stage, allowsIndex: allowsIndex)
                }) {
                case .stage(let index): needed.insert(index)
                case .context(let name): if let index = contextStages[name] { needed.insert(index) }
                default: break
                }
            }
        }
        if needed.isEmpty { return }
        dependencies[stage, default: []].formUnion(needed)
        for index in needed where dependencies[index] == nil {
            let more = try checked { () throws(Diagnostic) in
                try Self.dependencies(of: index, in: graph, file: dockerfile, contexts: contextStages)
            }
            dependencies.merge(more) { known, _ in known }
        }
        stages = dependencies.keys.sorted()
        try Self.checkOrder(dependencies)
    }

    /// Returns the named contexts that a stage reads directly.
    private static func names(
        of index: Int, _ graph: StageGraph, _ file: Dockerfile
    ) throws(Diagnostic) -> [String] {
        if let name = graph.replacement(of: index) { return [name] }
        var sources = [graph.bases[index]]
        for instruction in file.stages[index].instructions {
            for (word, allowsIndex) in instruction.value.froms {
                sources.append(try graph.source(word, in: index, allowsIndex: allowsIndex))
            }
        }
        return sources.compactMap { if case .context(let name) = $0 { name } else { nil } }
    }

    /// Checks for cycles: a context that is a stage may make a stage wait for a later one, or for itself.
    private static func checkOrder(_ dependencies: [Int: Set<Int>]) throws(BuildError) {
        var schedule = StageSchedule(Array(dependencies.keys), dependencies, target: 0)
        var count = 0
        while let stage = schedule.start() {
            count += 1
            schedule.end(stage)
        }
        guard count == dependencies.count else {
            throw .badContext("target:", reason: "makes a stage wait for itself")
        }
    }

    /// Returns the `names` that are neither the name of a stage nor the number of a stage without a name.
    func unknown(among names: Set<String>) -> [String] {
        names.subtracting(dockerfile.stages.map(\.label)).sorted()
    }

    /// Returns the source of a stage's files: that of its FROM, or the context that replaces the stage.
    func base(of stage: Int) -> StageSource {
        graph.replacement(of: stage).map { .context($0) } ?? graph.bases[stage]
    }

    /// A line of the Dockerfile.
    func place(_ line: Int) -> BuildError.Location { BuildError.Location(file: dockerfile.name, line: line) }

    /// Runs `body`; turns its diagnostic into an error with the Dockerfile's line.
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

    private static func parsed(
        _ text: (bytes: [UInt8], name: String), _ request: BuildRequest
    ) throws(BuildError) -> Dockerfile {
        do {
            return try Dockerfile(parsing: text.bytes, name: text.name, syntax: request.arguments["BUILDKIT_SYNTAX"])
        } catch {
            throw .dockerfile(error)
        }
    }
}

extension PlatformArguments {
    init(_ platform: Platform) {
        self.init(os: platform.os, architecture: platform.architecture, variant: platform.variant ?? "")
    }
}
