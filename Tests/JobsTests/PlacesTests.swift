import Linux
import OCI
import Support
import SystemPackage
import Testing

@testable import Jobs

/// The places of images and the outputs of builds, as they are written on a command line.
@Suite struct PlacesTests {
    @Test(
        "A transport is that of skopeo, and a name alone is in the store",
        arguments: [
            ("app", "store(docker.io/library/app:latest)"), ("oci:dir", "layout(dir, nil)"),
            ("oci:dir:v1", "layout(dir, v1)"), ("oci-archive:a.tar:v1", "ociArchive(a.tar, v1)"),
            ("docker-archive:a.tar", "dockerArchive(a.tar, nil)"),
            ("docker://h:5000/a/b:1", "registry(h:5000/a/b:1)"),
            ("docker-daemon:app:2", "docker(docker.io/library/app:2)"),
            ("containers-storage:app", "podman(docker.io/library/app:latest)"), ("h:5000/a", "store(h:5000/a:latest)"),
        ])
    func transports(text: String, expected: String) throws {
        let found =
            switch try Transport(text) {
            case .store(let name): "store(\(name))"
            case .layout(let path, let tag): "layout(\(path), \(tag ?? "nil"))"
            case .ociArchive(let path, let tag): "ociArchive(\(path), \(tag ?? "nil"))"
            case .dockerArchive(let path, let name): "dockerArchive(\(path), \(name ?? "nil"))"
            case .docker(let name): "docker(\(name))"
            case .podman(let name): "podman(\(name))"
            case .registry(let name): "registry(\(name))"
            }
        #expect(found == expected)
    }

    @Test("A malformed place is wrong usage", arguments: ["oci:", "dir:/x", "ostree:./x", "docker://", "A B"])
    func wrong(text: String) throws {
        #expect(try #require(throws: Failure.self) { try Transport(text) }.status == .usage)
    }

    @Test("Between the store and a layout, an image keeps its digest")
    func copy() async throws {
        let (workspace, host) = (try Workspace(), FakeHost())
        let image = try workspace.image([[try file("a", [1])]])
        try workspace.store.publish(image, as: Reference("app"))
        let layout = Transport.layout(workspace.path.appending("layout"), tag: "v1")
        let set = try await Transport("app").set(
            in: workspace.store, client: { try host.registryClient(.quiet) { _ in } }, host: host)
        try layout.write(set, workspace.store, host)
        let read = try layout.read(workspace.store, host)
        #expect(read.descriptor.digest == image.descriptor.digest)
        #expect(host.texts == [])
    }

    @Test("A file is replaced whole, and a failed body leaves the old one")
    func replacement() throws {
        let workspace = try Workspace()
        let path = workspace.path.appending("out")
        try replaceFile(path.string, with: [1])
        #expect(throws: Failure.self) {
            try FileDestination(path).write { sink in
                try sink.write([2])
                throw Failure("stop")
            }
        }
        #expect(try OwnedDescriptor(path).readAll(limit: 9) == [1])
        #expect(throws: Failure.self) { try FileDestination(workspace.path) }
        #expect(throws: Failure.self) { try OutputDestination("-", FakeHost()) }
    }
}
