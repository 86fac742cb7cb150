import Linux
import Support
import SystemPackage
import Testing

@testable import OCI

/// Exports from the store: layouts, archives, trees, merged layers.
@Suite("Exports")
struct ExportTests {
    /// Makes a base of one layer and three layers above it, with every kind of change.
    private static func image(_ space: Workspace) throws -> Image {
        try space.image([
            [
                try directory("etc", mode: 0o750), try file("etc/a", "a"), try file("etc/b", "b"),
                try directory("gone"), try file("gone/x", "x"), try directory("again"), try file("again/old", "old"),
                try file("kind", "was a file"), try directory("turned"), try file("turned/x", "x"),
                try file("kept", "kept"), try file("moved", "moved"),
            ],
            [
                try file("etc/a", "first try"), try whiteout("gone"), try file("temporary", "never visible"),
                try directory("again2"), try symlink("link", "etc/a"),
            ],
            [
                try whiteout("again"), try whiteout("kind"), try file("etc/a", "last"), try hardLink("etc/c", "etc/a"),
                try whiteout("temporary"), try whiteout("turned"), try hardLink("kept2", "kept"),
                try hardLink("renamed", "moved"),
            ],
            [
                try whiteout("moved"), try directory("again"), try file("again/new", "new"), try directory("kind"),
                try file("kind/f", "f"),
                try file("turned", "a file now"), try hardLink("renamed2", "renamed"),
            ],
        ])
    }

    /// Lists a tree as text: kind, mode, content, links.
    private static func listing(_ image: Image) async throws -> [String] {
        let tree = try await image.tree(contents: true)
        var first: [FileTree.InodeID: ImagePath] = [:]
        var lines: [String] = []
        tree.walk { path, node in
            let id = tree[node: node].inode
            let inode = tree.inodes[id]
            let link = first[id].map { " = \($0)" } ?? ""
            if first[id] == nil { first[id] = path }
            lines.append("\(path) \(inode.kind) \(inode.metadata.mode) \(inode.content?.short ?? "")\(link)")
        }
        return lines
    }

    @Test("Merged layers give the same tree, whichever of them are merged", arguments: 0...4)
    func squashedTree(count: Int) async throws {
        let space = try Workspace()
        let image = try Self.image(space)
        let merged = try image.squashed(above: count, into: space.store)
        #expect(merged.layers.count == min(4, count + 1))
        #expect(try await Self.listing(merged) == Self.listing(image))
        try await space.store.image(space.store.publish(merged, as: nil), for: .host, name: "merged").validate()
    }

    @Test("A merged layer has no hidden bytes, and whiteouts only of the base's paths")
    func squashedLayer() async throws {
        let space = try Workspace()
        let merged = try Self.image(space).squashed(above: 1, into: space.store)
        let entries = try space.store.entries(of: merged.layers[1], in: merged)
        #expect(Set(entries.map(\.path)).count == entries.count)
        let removed = entries.filter { $0.change == .remove }.map(\.path.description)
        #expect(removed == ["/gone", "/moved", "/again/old"])
        #expect(!entries.contains { $0.path.description == "/temporary" })
        let links = entries.compactMap { entry in
            if case .link(let target) = entry.change { "\(entry.path) \(target)" } else { nil }
        }
        #expect(links == ["/etc/c /etc/a", "/kept2 /kept", "/renamed2 /renamed"])
    }

    @Test("Merging the same layers gives the same bytes, cached or not")
    func squashedTwice() throws {
        let (one, other) = (try Workspace(), try Workspace())
        let first = try Self.image(one).squashed(above: 1, into: one.store)
        #expect(try Self.image(one).squashed(above: 1, into: one.store).manifestBytes == first.manifestBytes)
        #expect(try Self.image(other).squashed(above: 1, into: other.store).manifestBytes == first.manifestBytes)
    }

    @Test("The history has the merged steps, and their layer once")
    func squashedHistory() throws {
        let space = try Workspace()
        let history = try Self.image(space).squashed(above: 1, into: space.store).config.history
        #expect(history.map(\.isEmptyLayer) == [false, true, true, true, false])
        #expect(history.last?.comment == "merged 3 layers")
    }

    @Test("A layer keeps its diff ID in another compression, and its blob in the same one")
    func recompression() throws {
        let space = try Workspace()
        let image = try Self.image(space)
        var form = LayerForm()
        form.compression = .zstd
        let own = try image.converted(to: form, above: 1, into: space.store)
        #expect(own.layers.map(\.diffID) == image.layers.map(\.diffID))
        #expect(own.layers.map(\.descriptor.mediaType.layerCompression) == [.gzip, .zstd, .zstd, .zstd])
        form.isForced = true
        let all = try image.converted(to: form, above: 1, into: space.store)
        #expect(all.layers.map(\.descriptor.mediaType.layerCompression) == [.zstd, .zstd, .zstd, .zstd])
        #expect(all.layers[1...] == own.layers[1...])
        form.compression = .gzip
        #expect(try image.converted(to: form, above: 1, into: space.store).manifestBytes == image.manifestBytes)
    }

    @Test("A harder level makes no larger layer", arguments: [OCI.Compression.gzip, .zstd])
    func levels(compression: OCI.Compression) throws {
        let space = try Workspace()
        let text = (0..<20_000).map { "\($0 % 97) \($0 % 31)\n" }.joined()
        let image = try space.image([[try file("a", text)]])
        func size(_ level: Int) throws -> Int64 {
            var form = LayerForm()
            (form.compression, form.level) = (compression, level)
            return try image.converted(to: form, above: 0, into: space.store).compressedSize
        }
        #expect(try size(9) < size(1))
        #expect(try size(1) < Int64(text.utf8.count))
    }

    @Test("Conversion to Docker's media types and back changes no byte of a layer")
    func mediaTypes() throws {
        let space = try Workspace()
        let image = try Self.image(space)
        var form = LayerForm()
        form.types = .docker
        let docker = try image.converted(to: form, above: 0, into: space.store)
        #expect(docker.descriptor.mediaType == .dockerManifest)
        #expect(docker.manifest.config.mediaType == .dockerConfig)
        #expect(
            docker.layers.map(\.descriptor.mediaType.description)
                == [String](repeating: "application/vnd.docker.image.rootfs.diff.tar.gzip", count: 4))
        #expect(docker.configBytes == image.configBytes)
        #expect(try docker.converted(to: LayerForm(), above: 0, into: space.store).manifestBytes == image.manifestBytes)
    }

    @Test("An archive written twice has the same bytes, and is loaded with its names", arguments: [true, false])
    func archive(isDocker: Bool) throws {
        let space = try Workspace()
        let set = try space.store.assemble([Self.image(space)])
        let names = [LayoutExport.Name.reference(try Reference("demo:1")), .reference(try Reference("h.example/x:2"))]
        func archive() throws -> [UInt8] {
            let sink = MemorySink()
            try LayoutExport([(set, names)], docker: isDocker).write(to: sink)
            return sink.bytes
        }
        let bytes = try archive()
        #expect(try archive() == bytes)
        let other = try Store(at: space.path.appending("other"))
        let loaded = try other.load(archive: MemorySource(bytes), name: "test")
        #expect(loaded.map(\.familiar) == ["demo:1", "h.example/x:2"])
        #expect(try other.set(Reference("demo:1")).descriptor.digest == set.descriptor.digest)
    }

    @Test("Several platforms become an index that survives export, loading and collection")
    func index() async throws {
        let space = try Workspace()
        let arm = Platform(os: "linux", architecture: "arm64")
        let images = try [Platform.host, arm].map { platform in
            try Image.scratch(platform, in: space.store).appending(
                space.layer([file("arch", platform.architecture)]), history: History(created: nil, createdBy: "t"))
        }
        var annotations = Annotations()
        try annotations.add(parsing: "index,manifest:both=1")
        try annotations.add(parsing: "manifest[linux/arm64]:only=arm")
        try annotations.add(parsing: "manifest-descriptor:beside=2")
        try annotations.add(parsing: "index-descriptor:top=3")
        let set = try space.store.assemble(images, annotations)
        #expect(set.descriptor[annotation: "top"] == "3")
        let index = try Index(parsing: space.store.read(set.descriptor), what: "index")
        #expect(index.json["annotations"]?["both"]?.string == "1")
        #expect(index.manifests.map { $0[annotation: "beside"] } == ["2", "2"])
        #expect(try set.images().map(\.manifest.annotations) == [["both": "1"], ["both": "1", "only": "arm"]])

        let directory = space.path.appending("layout")
        try Layout.write(set, to: directory, tag: "demo:1")
        let other = try Store(at: space.path.appending("other"))
        #expect(try other.load(directory).map(\.familiar) == ["demo:1"])
        let back = try other.set(Reference("demo:1"))
        #expect(back.descriptor.digest == set.descriptor.digest)
        #expect(try other.image(Reference("demo:1"), for: arm).config.platform == arm)
        #expect(try await other.validate() == 1)
        #expect(try other.collect().blobs == 0)
        #expect(throws: OCIError.self) { try other.image(Reference("demo:1"), for: Platform("linux/s390x")) }
    }

    static let malformed = [
        "", "key", "=value", "manifest:key", "manifest[]:a=b", "manifest[linux:a=b", "index[x]:a=b",
        "bogus:k=v", "manifest,bogus:k=v", "Manifest:k=v", ":k=v", "manifest:=v", "org.x:y=z",
    ]

    @Test("A malformed annotation is refused", arguments: malformed)
    func malformedAnnotations(text: String) {
        var annotations = Annotations()
        #expect(throws: OCIError.self) { try annotations.add(parsing: text) }
    }

    @Test("A value may have any text, a key colons after its place, and each place a platform")
    func keys() throws {
        var annotations = Annotations()
        try annotations.add(parsing: "manifest:org.x:y=z=1")
        try annotations.add(parsing: "a=manifest:b")
        #expect(annotations.values(.manifest) == ["org.x:y": "z=1", "a": "manifest:b"])
        try annotations.add(parsing: "index,manifest[linux/s390x]:two=2")
        #expect(annotations.values(.index) == ["two": "2"])
        #expect(annotations.values(.manifest, for: try Platform("linux/s390x"))["two"] == "2")
        #expect(annotations.values(.manifest, for: try Platform("linux/amd64"))["two"] == nil)
        #expect(try annotations.add(attribute: "annotation-manifest-descriptor[linux/arm64].k.l", "v"))
        #expect(annotations.values(.manifestDescriptor, for: try Platform("linux/arm64")) == ["k.l": "v"])
        #expect(annotations.values(.manifestDescriptor, for: try Platform("linux/amd64")) == [:])
        #expect(try !annotations.add(attribute: "annotation-else.k", "v"))
    }

    @Test("A directory gets the files, links and modes of an image, and a second export changes nothing")
    func directoryExport() async throws {
        let space = try Workspace()
        let image = try Self.image(space)
        let tree = try await space.store.tree(of: image)
        let path = space.path.appending("out")
        try space.write("out/again/stays", "1")
        try space.write("out/turned/was-a-directory", "1")
        for _ in 0..<2 {
            #expect(try DirectoryExport(image, tree, to: path, epoch: nil).write(.copy) == [])
            let root = try Directory(path)
            #expect(try root.contents(of: "again/new", limit: 10) == Array("new".utf8))
            #expect(try root.contents(of: "turned", limit: 20) == Array("a file now".utf8))
            #expect(try root.status(of: "etc").mode == 0o750)
            #expect(try root.status(of: "etc/a").inode == root.status(of: "etc/c").inode)
            #expect(try root.target(ofLink: "link") == Array("etc/a".utf8))
            #expect(try root.exists("again/stays"))
        }
        _ = try DirectoryExport(image, tree, to: path, epoch: nil).write(.delete)
        #expect(try !Directory(path).exists("again/stays"))
        #expect(try Directory(path).exists("again/new"))
    }

    @Test("An export follows no link that leaves its directory")
    func directoryLinks() async throws {
        let space = try Workspace()
        let image = try space.image([[try directory("d"), try file("d/f", "new"), try file("g", "new")]])
        try space.write("outside/f", "mine")
        let out = try Directory.make(space.path.appending("out"))
        try out.makeLink("d", to: "../outside")
        try out.makeLink("g", to: "../outside/f")
        let tree = try await space.store.tree(of: image)
        _ = try DirectoryExport(image, tree, to: space.path.appending("out"), epoch: nil).write(.copy)
        #expect(try Directory(space.path).contents(of: "outside/f", limit: 10) == Array("mine".utf8))
        #expect(try out.status(of: "d").type == .directory)
        #expect(try out.contents(of: "g", limit: 10) == Array("new".utf8))
    }

    @Test("A tar of files has no whiteouts, and no time later than the epoch")
    func treeTar() async throws {
        let space = try Workspace()
        var (entry, content) = try file("late", "1")
        entry.metadata.mtime = FileTime(seconds: 5000)
        let image = try space.image([[try file("a", "1"), (entry, content)], [try whiteout("a")]])
        let tree = try await space.store.tree(of: image)
        let sink = MemorySink()
        try TreeExport([(image, tree)], split: true, epoch: 1000).write(to: sink)
        let reader = TarReader(MemorySource(sink.bytes), layer: "test")
        var entries: [LayerEntry] = []
        while let entry = try reader.next() { entries.append(entry) }
        #expect(entries.map(\.path.description) == ["/linux_amd64", "/linux_amd64/late"])
        #expect(entries.last?.metadata.mtime.seconds == 1000)
    }

    @Test("Two platforms with the same file are refused in one directory")
    func mixed() async throws {
        let space = try Workspace()
        let image = try space.image([[try file("a", "1")]])
        let tree = try await space.store.tree(of: image)
        let export = try TreeExport([(image, tree), (image, tree)], split: false, epoch: nil)
        #expect(throws: OCIError.samePath(try ImagePath("a"))) { try export.write(to: MemorySink()) }
    }
}
