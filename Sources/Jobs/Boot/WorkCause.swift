internal import Linux

/// A cause of a start's work, with its cost.
struct WorkCause: Sendable, Equatable {
    /// The cause in a few words.
    let text: String
    let milliseconds: Double
    /// The layer that has most of it; nil for none.
    let layer: Int?
    /// The remedy; nil if none is known.
    let remedy: String?
}

extension WorkProfile {
    /// The causes, the largest first; they add up to the whole.
    var causes: [WorkCause] {
        let groups = Dictionary(grouping: parts) { part in
            WorkSubject(
                part, isCompiled: part.module.map { WorkSubject.isCompiled($0.path, scripts: scripts) } ?? false)
        }
        return groups.map { subject, parts in
            WorkCause(
                text: subject.text(parts), milliseconds: parts.reduce(0) { $0 + $1.milliseconds },
                layer: parts.mainLayer, remedy: subject.remedy(layer: parts.mainLayer))
        }.sorted { ($1.milliseconds, $0.text) < ($0.milliseconds, $1.text) }
    }
}

extension [WorkPart] {
    /// The layer with most of the time; nil if no part has one.
    var mainLayer: Int? {
        var sums: [Int: Double] = [:]
        for part in self { if let layer = part.file?.layer { sums[layer, default: 0] += part.milliseconds } }
        return sums.max { ($0.value, $1.key) < ($1.value, $0.key) }?.key
    }

    /// The number of modules.
    var moduleCount: Int { Set(compactMap { $0.module.map { WorkSubject.source(ofModule: $0.path) } }).count }

    /// The function with most of the time, if it has at least a tenth of it.
    fileprivate var mainFunction: String? {
        var sums: [String: Double] = [:]
        for part in self { if let name = part.function { sums[name, default: 0] += part.milliseconds } }
        let whole = reduce(0) { $0 + $1.milliseconds }
        return sums.filter { $0.value >= whole / 10 }.max { ($0.value, $1.key) < ($1.value, $0.key) }?.key
    }
}

extension WorkSubject {
    /// The cause for people.
    func text(_ parts: [WorkPart]) -> String {
        let place = parts.mainLayer.map { " (layer \($0))" } ?? ""
        let count = parts.moduleCount
        let modules = count == 1 ? "1 module" : "\(count) modules"
        switch self {
        case .compiled: return "CPython compiles and runs \(modules) without valid bytecode\(place)"
        case .package(let name): return "loading the package \(name): \(modules)\(place)"
        case .library(let name): return "loading Python's \(name): \(modules)\(place)"
        case .module(let path):
            let isSampled = parts.first?.isSampled ?? true
            return isSampled ? "loading and running \(path)\(place)" : "\(program(parts)) after opening \(path)\(place)"
        case .linker(let program): return "loading the shared libraries of \(program)"
        case .shell(let name): return "the shell \(name)"
        case .kernel(let program): return "the kernel for \(program)"
        case .code(let object, let program):
            let function = parts.mainFunction.map { ", most in \($0)" } ?? ""
            return object.split(separator: "/").last.map(String.init) == program
                ? "code of \(object)\(function)\(place)" : "code of \(object) in \(program)\(function)\(place)"
        case .generated(let program): return "code without a file in \(program)"
        case .start(let program): return "\(program) before the first file"
        }
    }

    private func program(_ parts: [WorkPart]) -> String { parts.first?.process ?? "" }

    /// The remedy; nil if none is known.
    func remedy(layer: Int?) -> String? {
        switch self {
        case .compiled:
            "run python3 -m compileall --invalidation-mode unchecked-hash in the step that makes "
                + (layer.map { "layer \($0)" } ?? "their layer")
        case .package, .library: "import it at its first use, or leave it out"
        case .module: "move work from the module's body to its first use, or into the build"
        case .linker: "link fewer shared libraries, or link statically"
        case .shell: "start the program in exec form, without a shell"
        case .kernel: "start fewer processes, and read or map fewer files"
        case .code: "do it in the build, or after the port is open"
        case .generated, .start: nil
        }
    }
}
