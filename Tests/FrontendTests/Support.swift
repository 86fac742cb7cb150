import FoundationEssentials
import Frontend
import Testing

/// The files that the tests share with the fuzzer.
enum Fixtures {
    static let root: String = {
        let parts = #filePath.split(separator: "/").dropLast(3)
        return "/" + parts.joined(separator: "/") + "/fixtures"
    }()

    /// Returns the names in a folder of the fixtures, sorted.
    static func names(in folder: String, ending: String = "") -> [String] {
        let all = (try? FileManager.default.contentsOfDirectory(atPath: "\(root)/\(folder)")) ?? []
        return all.filter { $0.hasSuffix(ending) }.sorted()
    }

    static func bytes(_ path: String) throws -> [UInt8] {
        Array(try Data(contentsOf: URL(filePath: "\(root)/\(path)")))
    }

    static func text(_ path: String) -> String? {
        (try? bytes(path)).map { String(decoding: $0, as: UTF8.self) }
    }
}

func parse(_ text: String) throws -> Dockerfile { try Dockerfile(parsing: Array(text.utf8), name: "Dockerfile") }

let host = PlatformArguments(os: "linux", architecture: "amd64")

/// Returns the scope at the end of the last stage of a file.
func finalScope(_ text: String, arguments: [String: String] = [:], environment: [String] = []) throws -> Scope {
    let file = try parse(text)
    let global = try GlobalScope(file, BuildArguments(values: arguments, build: host))
    let graph = try StageGraph(file, global)
    var scopes: [Scope] = []
    for stage in file.stages {
        var scope = Scope(global, baseEnvironment: environment.map { Variable($0) })
        if case .stage(let base) = graph.bases[stage.index] { scope = scopes[base] }
        for located in stage.instructions {
            switch located.value {
            case .arg(let arg): try scope.declare(arg)
            case .env(let env): try scope.set(env)
            default: break
            }
        }
        scopes.append(scope)
    }
    return try #require(scopes.last)
}
