import Linux
import OCI
import Support
import Testing

@testable import Build

@Suite("The inputs of a step")
struct FingerprintTests {
    private static let layer = Layer(
        descriptor: Descriptor(mediaType: .layer(.gzip), digest: Digest(of: [1]), size: 1), diffID: Digest(of: [2]))

    private static func key(
        _ kind: String = "run", on layers: [Layer] = [layer], epoch: Int64 = 5,
        _ add: (inout StepFingerprint) -> Void = { _ in }
    ) -> Digest {
        var key = StepFingerprint(kind, on: layers, epoch: epoch)
        add(&key)
        return key.digest
    }

    @Test("Kind, layers, epoch and every field change the identity, and nothing else does")
    func fields() {
        let keys = [
            Self.key(), Self.key("copy"), Self.key(on: []), Self.key(on: [Self.layer, Self.layer]), Self.key(epoch: 6),
            Self.key { $0.add("a", "b") }, Self.key { $0.add("ab", "") },
            Self.key { $0.add("a", ["b"]) }, Self.key { $0.add("a", ["b", ""]) },
            Self.key { $0.hash("a", [98] as [UInt8]) },
        ]
        #expect(Set(keys).count == keys.count)
        #expect(Self.key() == Self.key())
    }

    @Test("A layer is identified by its diff ID, independent of its compression")
    func diffIDs() {
        let other = Layer(
            descriptor: Descriptor(mediaType: .layer(.zstd), digest: Digest(of: [9]), size: 9),
            diffID: Self.layer.diffID)
        #expect(Self.key(on: [other]) == Self.key())
    }

    @Test("A chain ID is that of the specification")
    func chainID() throws {
        #expect(Digest.chainID(of: [Layer]()) == nil)
        #expect(Digest.chainID(of: [Self.layer]) == Self.layer.diffID)
        let upper = Layer(descriptor: Self.layer.descriptor, diffID: Digest(of: [3]))
        #expect(
            Digest.chainID(of: [Self.layer, upper])
                == Digest(of: Array("\(Self.layer.diffID) \(upper.diffID)".utf8)))
    }

    private static func contentKey(_ entries: [(LayerEntry, [UInt8])], _ sources: [String] = ["d"]) throws -> Digest {
        let selection = try selection(sources, in: tree(entries))
        let digests = selection.files.map {
            ($0, Digest(of: [UInt8(truncatingIfNeeded: selection.tree.inodes[$0].kind.size)]))
        }
        return key { selection.add(to: &$0, digests: Dictionary(uniqueKeysWithValues: digests)) }
    }

    @Test("A copy depends on names, kinds, modes, owners, attributes and contents, but not on times")
    func contents() throws {
        let base = [try directory("d"), try file("d/a", "1")]
        func changed(_ edit: (inout LayerEntry) -> Void) throws -> Digest {
            var entries = base
            edit(&entries[1].0)
            return try Self.contentKey(entries)
        }
        let same = try Self.contentKey(base)
        #expect(try changed { $0.metadata.mtime = FileTime(seconds: 99) } == same)
        let others = [
            try changed { $0.metadata.mode = 0o600 }, try changed { $0.metadata.uid = 1 },
            try changed { $0.metadata.xattrs["user.a"] = [1] }, try changed { $0.change = .add(.fifo) },
            try Self.contentKey([try directory("d"), try file("d/b", "1")]),
            try Self.contentKey([try directory("d"), try file("d/a", "22")]),
            try Self.contentKey(base + [try file("d/b", "1")]),
            try Self.contentKey(base + [try hardLink("d/b", "d/a")]),
            try Self.contentKey(base, ["d/a"]),
        ]
        #expect(Set(others + [same]).count == others.count + 1)
    }
}
