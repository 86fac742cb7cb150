import Harness
import Linux
import OCI
import Registry
import Support
import Synchronization
import SystemPackage
import Testing

/// Images are pushed to Debian's registry and pulled again.
@Suite(Shared.isInstalled) struct RoundTripTests {
    let space: Workspace
    let client: RegistryClient

    init() throws {
        space = try Workspace()
        client = try RegistryClient(configuration())
    }

    @Test("A pushed image is pulled by tag and by digest, complete and the same")
    func roundTrip() async throws {
        let image = try space.sample()
        let name = try Shared.reference("round")
        let pushed = try await client.push(image, to: name)
        #expect(pushed.digest == image.descriptor.digest)
        #expect(try await client.head(name)?.digest == pushed.digest)
        let other = try Store(at: space.path.appending("other"))
        for text in ["\(name)", "\(name.host)/\(name.path)@\(pushed.digest)"] {
            let pulled = try await client.pull(Reference(text), into: other)
            #expect(pulled.manifestBytes == image.manifestBytes)
            #expect(pulled.configBytes == image.configBytes)
            try await other.image(Reference(text)).validate()
        }
    }

    @Test("A second push sends no blob, a push to another repository mounts them")
    func secondPush() async throws {
        let events = Log()
        let client = try RegistryClient(configuration()) { events.add($0) }
        let image = try space.sample()
        let name = try Shared.reference("second")
        try await client.push(image, to: name)
        #expect(events.outcomes == [.moved: 4])
        events.clear()
        try await client.push(image, to: name)
        #expect(events.outcomes == [.present: 4])
        events.clear()
        try await client.push(image, to: Shared.reference("third"))
        #expect(events.outcomes == [.mounted: 4])
    }

    @Test("Copying between repositories of one registry transfers no blob's bytes")
    func copy() async throws {
        let events = Log()
        let client = try RegistryClient(configuration()) { events.add($0) }
        let image = try space.sample()
        let (source, target) = (try Shared.reference("from"), try Shared.reference("to"))
        try await client.push(image, to: source)
        events.clear()
        let copied = try await client.copy(source, to: target)
        #expect(copied.digest == image.descriptor.digest)
        #expect(events.outcomes == [.mounted: 4])
        #expect(events.bytes == 0)
        #expect(try await client.head(target)?.digest == image.descriptor.digest)
    }

    @Test("Reading an image's configuration downloads no layer; a layer is downloaded when it is opened")
    func lazy() async throws {
        let image = try space.sample()
        let name = try Shared.reference("lazy")
        try await client.push(image, to: name)
        let events = Log()
        let reading = try RegistryClient(configuration()) { events.add($0) }
        let other = try Store(at: space.path.appending("other"))
        let remote = try await reading.image(name, keepingIn: other)
        #expect(remote.configBytes == image.configBytes)
        let layer = try #require(remote.layers.first)
        #expect(try !other.has(layer.descriptor))
        _ = try remote.open(layer).next()
        #expect(try other.has(layer.descriptor))
        #expect(try !other.has(remote.layers[1].descriptor))
        #expect(try await reading.image(name).validate().inodes.count == 4)
    }

    @Test("Tags are listed, a deleted manifest no longer exists")
    func listAndDelete() async throws {
        let image = try space.sample([10])
        let name = try Shared.reference("list")
        for tag in ["1", "2", "zz"] {
            try await client.push(image, to: Reference("\(name.host)/\(name.path):\(tag)"))
        }
        #expect(try await client.tags(of: name).sorted() == ["1", "2", "zz"])
        #expect(try await client.catalog(of: name.host).contains(name.path))
        try await client.delete(Reference("\(name.host)/\(name.path)@\(image.descriptor.digest)"))
        #expect(try await client.head(name) == nil)
        await #expect(throws: RegistryError.self) { try await client.pull(name, into: space.store) }
    }

    @Test("An index is pushed and pulled with all its images and unknown members, byte for byte")
    func index() async throws {
        let (first, second) = (try space.sample([100]), try space.sample([200]))
        var entries = [first, second].map(\.descriptor)
        entries[0].platform = Platform(os: "linux", architecture: "amd64")
        entries[1].platform = Platform(os: "linux", architecture: "arm64")
        for image in [first, second] { try space.store.publish(image, as: nil) }
        var text = String(decoding: Index(manifests: entries).bytes, as: UTF8.self)
        text = "{ \"x-unknown\" : [1.50, null],\n" + text.dropFirst()
        let manifest = RemoteManifest(Array(text.utf8), mediaType: .index)
        let name = try Shared.reference("index")
        try await client.push(manifest, from: space.store, to: name)
        #expect(try await client.manifest(name).bytes == Array(text.utf8))
        let target = try Shared.reference("index-copy")
        #expect(try await client.copy(name, to: target).digest == manifest.descriptor.digest)
        let arm = try await client.image(target, for: Platform("linux/arm64"))
        #expect(arm.descriptor.digest == second.descriptor.digest)
        await #expect(throws: OCIError.self) { try await client.image(target, for: Platform("linux/s390x")) }
    }

    @Test("An artifact is found by its subject")
    func referrers() async throws {
        let image = try space.sample([10])
        let name = try Shared.reference("artifact")
        try await client.push(image, to: name)
        let empty = try space.store.put(Array("{}".utf8), as: "application/vnd.oci.empty.v1+json")
        let json = JSON.object([
            "schemaVersion": .integer(2), "mediaType": .string(MediaType.manifest.description),
            "artifactType": .string("application/x-test"), "config": empty.json, "layers": .array([empty.json]),
            "subject": image.descriptor.json,
        ])
        let artifact = RemoteManifest(json.bytes, mediaType: .manifest)
        let place = try Reference("\(name.host)/\(name.path)@\(artifact.descriptor.digest)")
        try await client.push(artifact, from: space.store, to: place)
        let found = try await client.referrers(of: name, to: image.descriptor.digest)
        #expect(found.map(\.digest) == [artifact.descriptor.digest])
        let digest = image.descriptor.digest
        #expect(try await client.referrers(of: name, to: digest, artifactType: "application/other") == [])
        #expect(try await client.referrers(of: name, to: digest, artifactType: "application/x-test").count == 1)
    }
}

/// A log of events of several threads.
final class Log: Sendable {
    private let events = Mutex<[TransferEvent]>([])

    func add(_ event: TransferEvent) { events.withLock { $0.append(event) } }
    func clear() { events.withLock { $0 = [] } }
    var all: [TransferEvent] { events.withLock { $0 } }

    /// The number of blobs by their outcome.
    var outcomes: [TransferEvent.BlobOrigin: Int] {
        all.reduce(into: [:]) { if case .done(_, let outcome) = $1 { $0[outcome, default: 0] += 1 } }
    }

    /// The bytes transferred.
    var bytes: Int { all.reduce(0) { if case .moved(_, let bytes) = $1 { $0 + bytes } else { $0 } } }

    /// Returns the bytes transferred of one layer.
    func bytes(of layer: Layer) -> Int64 {
        all.reduce(0) {
            if case .moved(layer.descriptor, let bytes) = $1 { $0 + Int64(bytes) } else { $0 }
        }
    }

    /// The reasons of retries.
    var retries: [String] { all.compactMap { if case .retrying(let reason, _) = $0 { reason } else { nil } } }
}
