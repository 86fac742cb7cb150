import Linux
import OCI
import Support
import Testing

@testable import Jobs

@Suite("Lines of a Dockerfile at layers")
struct DockerfilePlacesTests {
    private let workspace: Workspace

    init() throws { workspace = try Workspace() }

    private static let dockerfile = """
        FROM debian AS base
        RUN apt-get update && \\
            apt-get install -y curl
        ENV A=1

        FROM base
        ARG V
        COPY --chown=1:1 a b /app/
        RUN --mount=type=cache,target=/c make $V
        CMD ["x"]
        """

    private static let history = [
        "/bin/sh -c #(nop) ADD file:1 in /", "RUN /bin/sh -c apt-get update &&     apt-get install -y curl # buildkit",
        "-ENV A=1", "-ARG V", "COPY --chown=1:1 a b /app/ # buildkit", "RUN |1 V=2 /bin/sh -c make $V # buildkit",
        "-CMD [\"x\"]",
    ]

    private func places(_ history: [String], target: String? = nil) throws -> [Int: String] {
        let lines = history.map { line in
            let isEmpty = line.hasPrefix("-")
            return History(created: nil, createdBy: String(line.dropFirst(isEmpty ? 1 : 0)), isEmptyLayer: isEmpty)
        }
        let count = lines.count { !$0.isEmptyLayer }
        let image = try workspace.image((0..<count).map { [try file("f\($0)", "x")] })
        return try DockerfilePlaces(
            of: image.replacingLayers(image.layers, history: lines), parsing: Array(Self.dockerfile.utf8),
            name: "Dockerfile",
            target: target
        ).places
    }

    @Test("Each layer has the first line of its instruction, through the stages that the last is built on")
    func lines() throws {
        #expect(try places(Self.history) == [1: "Dockerfile:2", 2: "Dockerfile:8", 3: "Dockerfile:9"])
        #expect(try places(Array(Self.history.prefix(3)), target: "base") == [1: "Dockerfile:2"])
        let classic = ["/bin/sh -c apt-get update && apt-get install -y curl", "-/bin/sh -c #(nop)  ENV A=1"]
        #expect(try places(classic, target: "base") == [0: "Dockerfile:2"])
    }

    @Test("Another history has no lines: a changed command, another order, a squashed image, a newer instruction")
    func others() throws {
        var changed = Self.history
        changed[1] = "RUN /bin/sh -c apt-get update # buildkit"
        var swapped = Self.history
        swapped.swapAt(4, 5)
        for history in [changed, swapped, ["thaw build --squash"], Self.history + ["-USER 1"], []] {
            #expect(try places(history).isEmpty)
        }
    }
}
