import Harness

/// The imports between targets in one document; packages of others are not part of it.
struct Graph: Equatable {
    private(set) var edges: [String: Set<String>] = [:]

    /// Reads the manifest's targets below Sources, with the names of their folders, as in the README.
    static func manifest() throws -> Graph {
        let text = try Sources.text("Package.swift")
        guard let start = text.firstRange(of: "targets: [\n") else { return Graph() }
        var graph = Graph()
        for match in text[start.upperBound...].matches(
            of: /(?s)(module|\.\w*[tT]arget|\.systemLibrary)\((.*?)(?=\n        [a-z.]|\n    \]\n)/)
        {
            let statement = match.2
            guard !statement.contains("Tests/") else { continue }
            let quoted = statement.prefix { $0 != "]" }.matches(of: /"([A-Za-z-]+)"/).map { String($0.1) }
            guard let first = quoted.first else { continue }
            graph.edges[first == "thaw-init" ? "Init" : first] = Set(quoted.dropFirst())
        }
        return graph.ours()
    }

    /// Reads the table of README.md: target, imports, job.
    static func readme() throws -> Graph {
        var graph = Graph()
        let lines = try Sources.text("README.md").split(separator: "\n", omittingEmptySubsequences: false)
        for line in lines.drop(while: { !$0.hasPrefix("| target | imports |") }).dropFirst(2).prefix(while: {
            $0.hasPrefix("|")
        }) {
            let cells = line.split(separator: "|").map { $0.split(separator: " ").joined(separator: " ") }
            graph.edges[cells[0]] = cells[1] == "–" ? [] : Set(cells[1].split(separator: ", ").map(String.init))
        }
        return graph
    }

    /// Reads the imports of the sources.
    static func sources() throws -> Graph {
        var graph = Graph()
        for target in try Sources.targets() {
            graph.edges[target] = try Sources.imports(of: target).subtracting([target])
        }
        return graph.ours()
    }

    /// Returns the graph with only the edges between its targets.
    private func ours() -> Graph {
        var graph = self
        for (name, imports) in edges { graph.edges[name] = imports.filter { edges[$0] != nil } }
        return graph
    }

    /// Returns the graph without one target and the edges from it.
    func without(_ target: String) -> Graph {
        var graph = self
        graph.edges[target] = nil
        return graph
    }

    /// The targets that import themselves, directly or indirectly.
    var cycles: Set<String> {
        edges.keys.filter { start in
            var seen: Set<String> = []
            var pending = Array(edges[start] ?? [])
            while let next = pending.popLast() {
                if seen.insert(next).inserted { pending += edges[next] ?? [] }
            }
            return seen.contains(start)
        }.reduce(into: []) { $0.insert($1) }
    }
}
