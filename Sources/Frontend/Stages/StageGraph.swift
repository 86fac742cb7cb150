/// The source of the files of a base or a `--from`.
public enum StageSource: Hashable, Sendable {
    /// An earlier stage, by index.
    case stage(Int)
    /// A `--build-context` of this name.
    case context(String)
    /// An image, by its reference as written.
    case image(String)
    /// No files.
    case scratch
    /// The build context.
    case buildContext
}

/// The dependencies between stages, and the order in which they can be built.
public struct StageGraph: Sendable {
    private let dockerfile: Dockerfile
    private let contexts: Set<String>
    private let byName: [String: [Int]]
    /// The source of every stage's FROM, by stage index.
    public let bases: [StageSource]
    /// The expanded `--platform` of every stage, or nil.
    public let platforms: [String?]
    /// The stage whose `--platform` each stage has: itself or a base stage; nil if none has one.
    public let platformStages: [Int?]
    /// The variables without a value in every stage's FROM.
    private let unset: [[String]]
    /// The `--from` words in ONBUILD lines of every stage.
    private let triggeredFroms: [[(word: Word, allowsIndex: Bool)]]

    /// Resolves the FROM lines.
    ///
    /// - Parameters:
    ///   - contexts: The names of the `--build-context` options; each replaces the stage or image of its name.
    /// - Throws: A ``Diagnostic`` for a base or platform that is empty after expansion.
    public init(_ dockerfile: Dockerfile, _ scope: GlobalScope, contexts: Set<String> = []) throws(Diagnostic) {
        self.dockerfile = dockerfile
        self.contexts = Set(contexts.map(Self.contextName))
        var byName: [String: [Int]] = [:]
        var bases: [StageSource] = []
        var platforms: [String?] = []
        var platformStages: [Int?] = []
        var unset: [[String]] = []
        for stage in dockerfile.stages {
            let (text, names) = try scope.expandNotingUnset(stage.base)
            if text.isEmpty {
                let problem = "base name (\(stage.base.text)) should not be blank"
                throw Self.problem(with: stage, problem, names, in: dockerfile)
            }
            unset.append(names)
            bases.append(Self.base(text, stages: byName, contexts: self.contexts))
            platforms.append(try Self.platform(stage, scope))
            let below: Int? = if case .stage(let base) = bases[stage.index] { platformStages[base] } else { nil }
            platformStages.append(platforms[stage.index] == nil ? below : stage.index)
            if let name = stage.name { byName[name, default: []].append(stage.index) }
        }
        self.byName = byName
        self.bases = bases
        self.platforms = platforms
        self.platformStages = platformStages
        self.unset = unset
        triggeredFroms = dockerfile.stages.map { $0.instructions.flatMap(\.value.triggeredFroms) }
    }

    /// Returns the error for a base that is no image's name, if the cause is a variable without a value.
    public func missingValue(in stage: Int) -> Diagnostic? {
        guard !unset[stage].isEmpty else { return nil }
        let stage = dockerfile.stages[stage]
        return Self.problem(with: stage, "FROM \(stage.base.text) has no image", unset[stage.index], in: dockerfile)
    }

    /// Returns an error that names the variables without a value, each with the line of its ARG.
    private static func problem(
        with stage: Stage, _ problem: String, _ names: [String], in file: Dockerfile
    ) -> Diagnostic {
        guard let first = names.first else { return Diagnostic(stage.base.position, problem) }
        let line = file.globalArguments.last { $0.value.declarations.contains { $0.name.text == first } }?.lines
        let place = line.map { "in line \($0.lowerBound)" } ?? "above the first FROM"
        let cure = "write ARG \(first)=VALUE \(place), or give --build-arg \(first)=VALUE"
        return Diagnostic(stage.base.position, "\(problem): \(first) has no value; \(cure)")
    }

    /// Returns the end of a message: the stage or context with a similar name, or nothing.
    ///
    /// - Parameter name: The word of FROM or `--from` in `stage`, which names neither.
    public func suggestion(for name: String, in stage: Int) -> String {
        guard !name.utf8.contains(where: { [Ascii.slash, Ascii.colon, UInt8(ascii: "@")].contains($0) }) else {
            return ""
        }
        let stages = dockerfile.stages[..<stage].suffix(1000).compactMap(\.name)
        return Suggestion.ending(for: name, in: stages + contexts.sorted())
    }

    /// Returns the key of a context; different names of the same image have the same key.
    public static func contextName(_ text: String) -> String {
        var name = text.asciiLowercased
        for prefix in ["docker.io/library/", "docker.io/"] where name.utf8.starts(with: prefix.utf8) {
            name = String(name.dropFirst(prefix.count))
        }
        return name.hasSuffix(":latest") ? String(name.dropLast(":latest".count)) : name
    }

    private static func base(_ text: String, stages: [String: [Int]], contexts: Set<String>) -> StageSource {
        if contexts.contains(contextName(text)) { return .context(contextName(text)) }
        if let index = stages[text]?.last { return .stage(index) }
        return text == "scratch" ? .scratch : .image(text)
    }

    private static func platform(_ stage: Stage, _ scope: GlobalScope) throws(Diagnostic) -> String? {
        guard let word = stage.platform else { return nil }
        let text = try scope.expand(word)
        if text.isEmpty {
            throw Diagnostic(word.position, "empty platform value from expression \(word.text)")
        }
        return text
    }

    /// Returns the name of the context that replaces the stage itself, or nil.
    public func replacement(of stage: Int) -> String? {
        dockerfile.stages[stage].name.flatMap { contexts.contains($0) ? $0 : nil }
    }

    /// Returns the stage that `--target` names, by default the last one.
    public func target(_ name: String?) throws(Diagnostic) -> Int {
        guard let name, !name.isEmpty else { return dockerfile.stages.count - 1 }
        if let index = byName[name.asciiLowercased]?.last { return index }
        if let index = Int(name), dockerfile.stages.indices.contains(index) { return index }
        let names = dockerfile.stages.compactMap(\.name)
        let ending = Suggestion.ending(for: name, in: names)
        throw Diagnostic(Position(line: 0, column: 0), "target stage \(name.goQuoted) could not be found\(ending)")
    }

    /// Resolves a `--from` in a stage: a stage index, a named context, a stage name, `scratch`, else an image.
    ///
    /// - Throws: A ``Diagnostic`` for the stage itself or a later one.
    public func source(_ from: Word, in stage: Int, allowsIndex: Bool = true) throws(Diagnostic) -> StageSource {
        let text = from.text
        if allowsIndex, text.utf8.allSatisfy(\.isDigit) {
            guard let index = Int(text), dockerfile.stages.indices.contains(index) else {
                throw Diagnostic(from.position, "invalid from flag value \(text): no stage has that index")
            }
            try check(index, from, in: stage)
            return .stage(index)
        }
        let lower = text.asciiLowercased
        if contexts.contains(Self.contextName(lower)) { return .context(Self.contextName(lower)) }
        if let indices = byName[lower] {
            if let earlier = Self.last(of: indices, below: stage) { return .stage(earlier) }
            try check(indices[0], from, in: stage)
        }
        return lower == "scratch" ? .scratch : .image(text)
    }

    /// Returns the last of the ascending numbers that is below `limit`.
    private static func last(of numbers: [Int], below limit: Int) -> Int? {
        var (low, high) = (0, numbers.count)
        while low < high {
            let middle = (low + high) / 2
            if numbers[middle] < limit { low = middle + 1 } else { high = middle }
        }
        return low > 0 ? numbers[low - 1] : nil
    }

    private func check(_ index: Int, _ from: Word, in stage: Int) throws(Diagnostic) {
        if index == stage {
            let name = dockerfile.stages[stage].label
            throw Diagnostic(from.position, "circular dependency detected on stage: \(name)")
        }
        if index > stage {
            let rule = "\(dockerfile.stages[index].label) needs to be defined before current stage"
            throw Diagnostic(from.position, "cannot copy from stage \(from.text.goQuoted), \(rule)")
        }
    }

    /// Returns the stages that a stage reads directly: its base, `--from`, and `--from` in ONBUILD lines of its base.
    public func dependencies(of stage: Int) throws(Diagnostic) -> Set<Int> {
        guard replacement(of: stage) == nil else { return [] }
        var result: Set<Int> = []
        var words = dockerfile.stages[stage].instructions.flatMap(\.value.froms)
        if case .stage(let index) = bases[stage] {
            result.insert(index)
            words += triggeredFroms[index]
        }
        for (word, allowsIndex) in words {
            if case .stage(let index) = try source(word, in: stage, allowsIndex: allowsIndex) { result.insert(index) }
        }
        return result
    }

    /// The errors of each `--from` that names its own stage, a later one, or an index without a stage.
    public var problems: [Diagnostic] {
        dockerfile.stages.flatMap { stage in
            stage.instructions.flatMap(\.value.froms).compactMap { problem($0.word, in: stage.index, $0.allowsIndex) }
        }
    }

    private func problem(_ from: Word, in stage: Int, _ allowsIndex: Bool) -> Diagnostic? {
        do {
            _ = try source(from, in: stage, allowsIndex: allowsIndex)
            return nil
        } catch { return error }
    }

    /// Returns the stages that must be built for `target`, in order; the target is the last one.
    public func reachable(from target: Int) throws(Diagnostic) -> [Int] {
        var wanted: Set<Int> = [target]
        for stage in stride(from: target, through: 0, by: -1) where wanted.contains(stage) {
            wanted.formUnion(try dependencies(of: stage))
        }
        return wanted.sorted()
    }
}

extension Instruction {
    /// The `--from` words of the instruction; `allowsIndex` is true if a number is a stage index.
    public var froms: [(word: Word, allowsIndex: Bool)] {
        switch self {
        case .copy(let copy): copy.from.map { [($0, true)] } ?? []
        case .run(let run): run.mounts.compactMap(\.from).filter { !$0.text.isEmpty }.map { ($0, false) }
        default: []
        }
    }

    /// The `--from` words of an ONBUILD's instruction, which apply to stages built on this one.
    var triggeredFroms: [(word: Word, allowsIndex: Bool)] {
        if case .onBuild(let trigger) = self { trigger.instruction?.froms ?? [] } else { [] }
    }

    /// Parses the text of an ONBUILD trigger from a base image's config.
    ///
    /// - Throws: A ``Diagnostic`` whose line counts from the start of the trigger.
    public init(parsingTrigger text: String) throws(Diagnostic) {
        var reader = DockerfileReader(Array(text.utf8))
        let nodes = reader.nodes()
        if let problem = reader.problems.first { throw problem }
        guard nodes.count == 1, let node = nodes.first else {
            throw Diagnostic(Position(line: 1, column: 1), "an ONBUILD trigger must be one instruction")
        }
        if ["onbuild", "from", "maintainer"].contains(node.name) {
            let name = node.name.asciiUppercased
            throw Diagnostic(node.keyword.position, "\(name) isn't allowed as an ONBUILD trigger")
        }
        try self.init(node)
    }
}
