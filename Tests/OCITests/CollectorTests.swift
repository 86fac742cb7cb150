import Linux
import Support
import SystemPackage
import Testing

@testable import OCI

/// The data that collection removes, and the order.
@Suite("Collection")
struct CollectorTests {
    /// Stores a step whose layer has `count` incompressible bytes, used `seconds` after 1970.
    @discardableResult
    private static func step(_ name: UInt8, _ count: Int, used seconds: Int64, _ space: Workspace) throws -> Layer {
        var state = UInt32(name) &* 7919 &+ 1
        let content = (0..<count).map { _ in
            state = state &* 1_664_525 &+ 1_013_904_223
            return UInt8(truncatingIfNeeded: state >> 24)
        }
        let layer = try space.layer([try file("f\(name)", content)])
        let key = Digest(of: [name])
        try space.store.cache(CachedStep(layer: layer, epoch: 0), for: key)
        try space.store.root.setModified(of: FilePath("thaw/cache/\(key.hex)"), FileTime(seconds: seconds))
        return layer
    }

    private static func remembered(_ space: Workspace) throws -> Int { try space.store.cachedSteps().count }

    @Test("A budget removes the least recently used steps, and holds")
    func budget() throws {
        let space = try Workspace()
        try Self.step(1, 100_000, used: 300, space)
        try Self.step(2, 100_000, used: 100, space)
        try Self.step(3, 100_000, used: 200, space)
        let total = try space.store.usage().total
        let collected = try space.store.collect(budget: Store.CollectionLimits(bytes: total - 1))
        #expect(collected.blobs == 1)
        #expect(try Set(space.store.cachedSteps().map(\.used)) == [200, 300])
        #expect(try space.store.usage().total == collected.left)
        let last = try space.store.collect(budget: Store.CollectionLimits(bytes: 120_000))
        #expect(last.left <= 120_000)
        #expect(try space.store.cachedSteps().map(\.used) == [300])
        #expect(try space.store.collect(budget: Store.CollectionLimits(bytes: 0)).left == 0)
    }

    @Test("A budget never removes data that a name needs")
    func named() async throws {
        let space = try Workspace()
        let layer = try Self.step(1, 50_000, used: 1, space)
        let image = Image.scratch(.host, in: space.store).appending(
            layer, history: History(created: nil, createdBy: "t"))
        try space.store.publish(image, as: Reference("kept"))
        let collected = try space.store.collect(budget: Store.CollectionLimits(bytes: 0))
        #expect(collected.left > 50_000)
        #expect(try Self.remembered(space) == 0)
        #expect(try await space.store.validate() == 1)
    }

    @Test("Only data that was not used since a time is removed")
    func age() throws {
        let space = try Workspace()
        for (name, used) in [(UInt8(1), Int64(99)), (2, 100), (3, 101)] { try Self.step(name, 10, used: used, space) }
        _ = try space.store.collect(budget: Store.CollectionLimits(usedSince: 100))
        #expect(try Set(space.store.cachedSteps().map(\.used)) == [100, 101])
    }

    @Test("A step that is used again is the last to be removed")
    func used() throws {
        let space = try Workspace()
        try Self.step(1, 10, used: 100, space)
        _ = try space.store.cachedStep(for: Digest(of: [1]))
        #expect(try space.store.cachedSteps()[0].used > 1_000_000_000)
    }

    @Test("A layer of two steps remains until both are removed")
    func shared() throws {
        let space = try Workspace()
        let layer = try Self.step(1, 10, used: 100, space)
        let key = Digest(of: [9])
        try space.store.cache(CachedStep(layer: layer, epoch: 0), for: key)
        #expect(try space.store.collect(budget: Store.CollectionLimits(usedSince: 200)).blobs == 0)
        #expect(try space.store.has(layer.descriptor))
    }

    @Test("Unpacked layers and headers are removed with the last image or step that could use them")
    func unneeded() throws {
        let space = try Workspace()
        let base = try space.layer([try file("a", "1")])
        let image = Image.scratch(.host, in: space.store).appending(
            base, history: History(created: nil, createdBy: "t"))
        try space.store.publish(image, as: Reference("base"))
        let top = try Self.step(1, 10, used: 100, space)
        let chains = try [[base], [base, top], [top, base]].map { try #require(Digest.chainID(of: $0)) }
        for chain in chains { try space.store.root.makeDirectory(FilePath("thaw/layers/\(chain.hex)")) }
        func left() throws -> [Bool] {
            try chains.map { try space.store.root.exists(FilePath("thaw/layers/\($0.hex)")) }
        }
        _ = try space.store.collect()
        #expect(try left() == [true, true, false])
        #expect(try space.store.usage().indexes.count == 2)
        try space.store.remove(Reference("base"))
        _ = try space.store.collect()
        #expect(try left() == [false, false, false])
        #expect(try space.store.usage().indexes.count == 1)
    }

    @Test("The disk of a started image is kept until the last image with its layers is removed, and counted")
    func disks() async throws {
        let space = try Workspace()
        let layer = try space.layer([try file("a", "1")])
        let image = Image.scratch(.host, in: space.store).appending(
            layer, history: History(created: nil, createdBy: "t"))
        try space.store.publish(image, as: Reference("base"))
        let chain = try #require(Digest.chainID(of: [layer]))
        #expect(try space.store.disk(of: chain, version: 1) == nil)
        let kept = try await space.store.keepDisk(of: chain, version: 1) { path in
            let directory = try Directory(path.removingLastComponent())
            let name = FilePath(path.lastComponent?.string ?? "")
            try directory.replace(name, with: [UInt8](repeating: 1, count: 10_000))
        }
        #expect(try space.store.disk(of: chain, version: 1) == kept && kept != nil)
        #expect(try space.store.disk(of: chain, version: 2) == nil)
        #expect(try space.store.usage().unpacked.count == 1)
        #expect(try space.store.usage().unpacked.bytes >= 10_000)
        // The file of a killed start has no digest in its name.
        try space.store.root.replace("thaw/disks/new.1", with: [1])
        _ = try space.store.collect()
        #expect(try space.store.disk(of: chain, version: 1) != nil)
        #expect(try !space.store.root.exists("thaw/disks/new.1"))
        try space.store.remove(Reference("base"))
        _ = try space.store.collect()
        #expect(try space.store.disk(of: chain, version: 1) == nil)
    }

    @Test("A disk that can't be written leaves nothing behind")
    func failedDisk() async throws {
        let space = try Workspace()
        let chain = Digest(of: [])
        await #expect(throws: CancellationError.self) {
            _ = try await space.store.keepDisk(of: chain, version: 1) { _ in throw CancellationError() }
        }
        #expect(try space.store.root.directory("thaw/disks").entries().isEmpty)
    }

    @Test("Usage counts each blob once, by its purpose")
    func usage() throws {
        let space = try Workspace()
        let image = try space.image([[try file("a", "1")]])
        try space.store.publish(image, as: Reference("one"))
        try space.store.publish(image, as: Reference("two"))
        _ = try space.layer([try file("b", "garbage")])
        let usage = try space.store.usage()
        #expect(usage.images.count == 2)
        #expect(usage.layers.count == 1)
        #expect(usage.layers.bytes == image.compressedSize)
        #expect(usage.unneeded.count == 1)
        #expect(usage.mounts.count == 0)
        try space.store.root.makeDirectories("thaw/mounts/one")
        try space.store.root.replace("thaw/mounts/one/file", with: [1])
        #expect(try space.store.usage().mounts.count == 1)
        #expect(try space.store.usage().mounts.bytes > 0)
    }
}
