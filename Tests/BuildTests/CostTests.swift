import Glibc
import Linux
import OCI
import Support
import SystemPackage
import Testing

@testable import Build

/// Builds that are made to be expensive.
@Suite("Cost of builds")
struct BuildCostTests {
    private static func build(_ dockerfile: String, in space: Workspace) async throws -> Image {
        let path = try space.write("context/Dockerfile", dockerfile)
        let request = BuildRequest(context: .directory(path.removingLastComponent()), dockerfile: .file(path))
        return try await Builder(request, store: space.store).build().image
    }

    /// Returns the CPU time of this thread for a draft with that many lines, in seconds: the least of three.
    private static func cost(_ lines: Int) -> Double {
        (0..<3).map { _ in
            let start = now()
            var draft = ConfigDraft(ImageConfig(platform: .host))
            for number in 0..<lines {
                draft.labels["l\(number)"] = "v"
                draft.volumes.insert("/v\(number)")
                draft.exposedPorts.insert("\(number)/tcp")
                draft.triggers.append("USER \(number)")
                draft.document.user = "u\(number)"
                draft.history.append(StageBuilder.history("USER \(number)", isEmptyLayer: true))
            }
            #expect(draft.finished(environment: [], created: "").history.count == lines)
            return now() - start
        }.min() ?? 0
    }

    private static func now() -> Double {
        var time = timespec()
        unsafe clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }

    @Test("A configuration with four times the lines costs about four times as much")
    func linear() {
        let (small, large) = (Self.cost(5000), Self.cost(20_000))
        #expect(large < 8 * small, "\(small) s, then \(large) s")
    }

    @Test("20,000 chained stages and 15,000 LABEL and ENV lines are built")
    func many() async throws {
        let space = try Workspace()
        let stages = "FROM scratch AS s0\n" + (1..<20_000).map { "FROM s\($0 - 1) AS s\($0)\n" }.joined()
        let lines = (0..<15_000).map { "LABEL l\($0)=v\nENV E\($0)=v\n" }.joined()
        let image = try await Self.build(stages + lines, in: space)
        #expect(image.config.labels.count == 15_000)
        #expect(image.config.environment.count == 15_001)
        #expect(image.config.history.count == 30_000)
    }

    @Test("100,000 LABEL lines are refused with the size and the limit of a configuration")
    func tooLarge() async throws {
        let space = try Workspace()
        let lines = "FROM scratch\n" + (0..<100_000).map { "LABEL l\($0)=v\n" }.joined()
        let error = await #expect(throws: OCIError.self) { try await Self.build(lines, in: space) }
        #expect("\(try #require(error))".hasSuffix("; the limit is \(Image.documentLimit) bytes"))
    }

    @Test("Lists that instructions extend are complete, with those of the base")
    func lists() async throws {
        let space = try Workspace()
        let image = try await Self.build(
            """
            FROM scratch AS base
            LABEL a=1 b=1
            ENV E=1
            EXPOSE 80
            VOLUME /b
            ONBUILD LABEL t=1
            FROM base AS middle
            LABEL b=2 c=2
            ENV E=2 F=2
            EXPOSE 80 443
            VOLUME /a /b
            ONBUILD USER x
            FROM middle
            LABEL c=3
            ONBUILD STOPSIGNAL 9
            """, in: space)
        #expect(image.config.labels == ["a": "1", "b": "2", "c": "3", "t": "1"])
        #expect(image.config.environment.suffix(2) == ["E=2", "F=2"])
        #expect(image.config.exposedPorts == ["443/tcp", "80/tcp"])
        #expect(image.config.volumes == ["/a", "/b"])
        #expect(image.config.onBuild == ["STOPSIGNAL 9"])
        #expect(image.config.user == "x")
        #expect(image.config.history.count == 11)
        #expect(image.config.history.allSatisfy { $0.created == image.config.created && $0.isEmptyLayer })
    }
}

/// Images with more layers than an overlay supports.
@Suite("Many layers", .enabled(if: geteuid() == 0, "only root makes device nodes"))
struct ManyLayersTests {
    @Test(
        "The lowest layers share a directory, in steps",
        arguments: [(0, 0), (1, 0), (400, 0), (401, 200), (600, 200), (601, 400), (800, 400), (1201, 1000)])
    func steps(layers: Int, merged: Int) {
        #expect(Snapshots.mergedCount(of: layers) == merged)
    }

    @Test("601 layers show the files of their tree")
    func merged() async throws {
        let space = try Workspace()
        var layers: [[(LayerEntry, [UInt8])]] = (0..<600).map { _ in [] }
        for number in layers.indices {
            layers[number] = [
                try file("d/f\(number)", "\(number)"), try file("same", "\(number)"),
                try symlink("link", "d/f\(number)"),
            ]
            if number % 3 == 2 { layers[number].append(try whiteout("d/f\(number - 2)")) }
        }
        layers[100].append(try hardLink("hard", "d/f99"))
        layers[450].append(try hardLink("late", "d/f100"))
        let emptied = LayerEntry(try ImagePath("e"), .clear)
        layers[10] += [try file("e/old", "old")]
        layers[20] += [(emptied, []), try file("e/new", "new")]
        layers.append([try file("top", "top")])
        let image = try space.image(layers)
        let snapshots = try Snapshots(space.store)
        let directories = try await snapshots.directories(of: image)
        #expect(directories.count == 202)
        #expect(try await snapshots.directories(of: image) == directories)
        let root = try Mount.overlay(lowers: directories, upper: nil, work: nil).root(named: space.path)
        let tree = try await space.store.tree(of: image)
        #expect(try Self.paths(root) == Self.paths(tree))
        #expect(try root.contents(of: "same", limit: 10) == Array("599".utf8))
        #expect(try root.contents(of: "hard", limit: 10) == Array("99".utf8))
        #expect(try root.contents(of: "late", limit: 10) == Array("100".utf8))
        #expect(try root.contents(of: "e/new", limit: 10) == Array("new".utf8))
    }

    private static func paths(_ tree: FileTree) -> Set<String> {
        var paths: Set<String> = []
        tree.walk { path, _ in if !path.isRoot { paths.insert("\(path)") } }
        return paths
    }

    private static func paths(_ root: Directory) throws -> Set<String> {
        var paths: Set<String> = []
        var stack = [ImagePath.root]
        while let path = stack.popLast() {
            let open = path.isRoot ? root : try root.directory(FilePath(path))
            for entry in try open.entries() {
                let child = path.appending(entry.name)
                paths.insert("\(child)")
                if try root.status(of: FilePath(child)).type == .directory { stack.append(child) }
            }
        }
        return paths
    }
}
