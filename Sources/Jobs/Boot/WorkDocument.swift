internal import Linux

extension WorkProfile {
    /// The number of parts in a document; the rest is their sum.
    private static let limit = 500

    /// The member `attribution` of a baseline.
    var document: JSON {
        var json = JSON.object([
            "milliseconds": .number(milliseconds), "parts": .array(parts.prefix(Self.limit).map(\.document)),
            "modules": .array(modules.map { .string($0.path) }), "scripts": .array(scripts.sorted().map(JSON.string)),
        ])
        json["sampledMilliseconds"] = sampledMilliseconds.map(JSON.number)
        let others = parts.dropFirst(Self.limit).reduce(0) { $0 + $1.milliseconds }
        if others > 0 { json["otherMilliseconds"] = .number(others) }
        return json
    }

    /// Reads such a member; nil for another one.
    init?(_ document: JSON) {
        guard let milliseconds = document["milliseconds"]?.double, let rows = document["parts"]?.array,
            let modules = document["modules"]?.array, let scripts = document["scripts"]?.array
        else { return nil }
        let parts = rows.compactMap { WorkPart($0) }
        guard parts.count == rows.count else { return nil }
        self.init(
            parts: parts, milliseconds: milliseconds, sampledMilliseconds: document["sampledMilliseconds"]?.double,
            modules: modules.compactMap { $0.string.map { WorkFile(path: $0) } },
            isIncomplete: document["otherMilliseconds"] != nil, scripts: Set(scripts.compactMap(\.string)))
    }
}

extension WorkPart {
    fileprivate var document: JSON {
        var json = JSON.object([
            "process": .string(process), "program": .string(program), "kernel": .bool(isKernel),
            "sampled": .bool(isSampled), "milliseconds": .number(milliseconds),
        ])
        json["module"] = module?.document
        json["object"] = object?.document
        json["function"] = function.map(JSON.string)
        return json
    }

    fileprivate init?(_ document: JSON) {
        guard let process = document["process"]?.string, let program = document["program"]?.string,
            case .bool(let isKernel)? = document["kernel"], case .bool(let isSampled)? = document["sampled"],
            let milliseconds = document["milliseconds"]?.double, milliseconds.isFinite
        else { return nil }
        self.init(
            process: process, program: program, module: document["module"].flatMap { WorkFile($0) },
            object: document["object"].flatMap { WorkFile($0) }, function: document["function"]?.string,
            isKernel: isKernel, isSampled: isSampled, milliseconds: milliseconds)
    }
}

extension WorkFile {
    fileprivate var document: JSON {
        var json = JSON.object(["path": .string(path)])
        json["layer"] = layer.map { .integer(Int64($0)) }
        json["package"] = package.map(JSON.string)
        return json
    }

    fileprivate init?(_ document: JSON) {
        guard let path = document["path"]?.string else { return nil }
        self.init(
            path: path, layer: document["layer"]?.integer.flatMap(Int.init(exactly:)),
            package: document["package"]?.string)
    }
}
