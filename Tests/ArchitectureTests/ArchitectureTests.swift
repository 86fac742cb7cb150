import Harness
import Testing

/// The comparison of the drawing in README.md with the manifest and the sources.
@Suite struct ArchitectureTests {
    @Test("The manifest has exactly the targets and imports of the README's table")
    func manifest() throws {
        let (manifest, readme) = (try Graph.manifest(), try Graph.readme())
        #expect(Set(manifest.edges.keys) == Set(readme.edges.keys))
        #expect(Set(manifest.edges.keys) == Set(try Sources.targets()))
        // The table has no list in this row.
        for (target, imports) in readme.without("thaw").edges {
            #expect(manifest.edges[target] == imports, "\(target)")
        }
    }

    @Test("Only thaw and its terminal import Jobs, which imports every library of a job, and nothing imports thaw")
    func top() throws {
        let graph = try Graph.manifest()
        let jobs: Set = ["Analysis", "Build", "ColdStart", "Disk", "Project", "Proof", "Slim"]
        #expect(graph.edges["Jobs"]?.isSuperset(of: jobs) == true)
        #expect(Set(graph.edges.filter { $0.value.contains("Jobs") }.map(\.key)) == ["TTY", "thaw"])
        #expect(graph.edges.values.allSatisfy { !$0.contains("thaw") })
        for job in jobs { #expect(graph.edges[job]?.isDisjoint(with: jobs) == true, "\(job) sees another job") }
    }

    @Test("Jobs parses no arguments")
    func noArguments() throws {
        #expect(try !Sources.imports(of: "Jobs").contains("ArgumentParser"))
    }

    @Test("A target imports exactly the targets that the manifest allows")
    func imports() throws {
        let (manifest, sources) = (try Graph.manifest(), try Graph.sources())
        for (target, imports) in manifest.edges { #expect(sources.edges[target] == imports, "\(target)") }
    }

    @Test("The imports have no cycle")
    func cycles() throws {
        #expect(try Graph.manifest().cycles == [])
    }

    @Test("Frontend imports only the standard library, and Guest besides it only Probe")
    func nothing() throws {
        #expect(try Sources.imports(of: "Frontend") == [])
        #expect(try Sources.imports(of: "Guest") == ["Probe"])
    }

    @Test("The files of Guest and Probe that init compiles too import only the standard library")
    func shared() throws {
        let links = try Program.shell("find Sources/Init -type l | LC_ALL=C sort", in: Repository.path)
            .split(separator: "\n").map(String.init)
        #expect(links.count > 5)
        for link in links { #expect(try Sources.imports(in: link) == [], "\(link)") }
    }

    @Test("Only OCI, Registry and thaw may import a Foundation, and only the essential one")
    func foundation() throws {
        for target in try Sources.targets() {
            let allowed: Set = ["OCI", "Registry", "thaw"].contains(target) ? ["FoundationEssentials"] : []
            let found = try Sources.imports(of: target).filter { $0.hasPrefix("Foundation") }
            #expect(found.isSubset(of: allowed), "\(target)")
        }
    }

    @Test("Only the terminal, thaw and the guest's init print")
    func prints() throws {
        let printing =
            /\b(print|debugPrint|puts|fputs|printf|fprintf|perror)\(|\b(STDOUT_FILENO|STDERR_FILENO|FileHandle)\b/
        for file in try Sources.files(below: "Sources")
        where file.firstMatch(of: /^Sources\/(TTY|thaw|Init|CInit)\//) == nil {
            for (index, line) in try Sources.code(file).enumerated() where line.firstMatch(of: printing) != nil {
                Issue.record("\(file):\(index + 1) prints: \(line)")
            }
        }
    }

    @Test("thaw prints only through the filter of Terminal")
    func terminal() throws {
        // The printing functions of the standard library, C and ArgumentParser, and the streams by number.
        let printing =
            /(^|[^.\w])(print|debugPrint|dump|puts|fputs|printf|fprintf|perror)\(|\b(STDOUT_FILENO|STDERR_FILENO|FileHandle|FileDescriptor)\b|exit\(withError|\bwrite\([12],/
        // The signal handler writes one sentence itself, since it may only call async-signal-safe functions.
        let exempt = ["Sources/TTY/Terminal.swift", "Sources/TTY/Interruption.swift"]
        for file in try Sources.files(below: "Sources/thaw", "Sources/TTY") where !exempt.contains(file) {
            for (index, line) in try Sources.code(file).enumerated() where line.firstMatch(of: printing) != nil {
                Issue.record("\(file):\(index + 1) prints without Terminal: \(line)")
            }
        }
        #expect(try Sources.code("Sources/TTY/Interruption.swift").filter { $0.contains("write(2,") }.count == 1)
    }

    @Test("Only a document of an image and an archive are written to stdout without the filter")
    func exactBytes() throws {
        let users = [
            "Sources/Jobs/DockerForms/InspectJob.swift": ".exact(",
            "Sources/TTY/TerminalHost.swift": "descriptorForArchives",
        ]
        let makers = ["Sources/TTY/Terminal.swift", "Sources/Jobs/Printout.swift"]
        for file in try Sources.files(below: "Sources/thaw", "Sources/TTY", "Sources/Jobs")
        where !makers.contains(file) {
            let code = try Sources.code(file)
            for call in users.values where users[file] != call {
                #expect(!code.contains { $0.contains(call) }, "\(file) calls \(call)")
            }
        }
    }
}
