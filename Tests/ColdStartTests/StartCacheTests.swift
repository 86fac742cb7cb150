import Glibc
import Harness
import Linux
import SystemPackage
import Testing

@testable import ColdStart

/// The results about files of this machine that starts keep.
@Suite struct StartCacheTests {
    private let directory: TestDirectory
    private var cache: StartCache { StartCache(FilePath(directory.path).appending("cache")) }
    private var file: FilePath { FilePath(directory.path).appending("file") }

    init() throws {
        directory = try TestDirectory()
        try directory.write("file", "one")
    }

    /// Returns a kept result, and true if it had to be made.
    private func result(_ kind: String) -> (text: String, isNew: Bool) {
        var isNew = false
        let bytes = cache.bytes(kind, of: file) {
            isNew = true
            return Array("result".utf8)
        }
        return (String(decoding: bytes, as: UTF8.self), isNew)
    }

    @Test("A result is made once for each file and kind, and again once the file has changed")
    func keeps() throws {
        #expect(result("digest") == ("result", true))
        #expect(result("digest") == ("result", false))
        #expect(result("version") == ("result", true))
        try directory.write("file", "two2")
        #expect(result("digest") == ("result", true))
    }

    @Test(
        "An empty or too large entry is made again, and a cache that can't be written only costs time")
    func damaged() throws {
        _ = result("digest")
        let entry = try #require(
            Directory(FilePath(directory.path).appending("cache/start")).entries().first)
        let name = "cache/start/" + String(decoding: entry.name, as: UTF8.self)
        for text in ["", String(repeating: "x", count: 5_000)] {
            try directory.write(name, text)
            #expect(result("digest") == ("result", true))
        }
        try directory.write("wall", "")
        var count = 0
        for _ in 0..<2 {
            _ = StartCache(FilePath(directory.path).appending("wall")).bytes("digest", of: file) {
                count += 1
                return [1]
            }
        }
        #expect(count == 2)
    }

    @Test("Prune removes what was not used for the time, and nothing else")
    func prune() throws {
        _ = result("digest")
        try directory.write("cache/kernel-1.elf", "kernel")
        try directory.write("cache/other", "")
        let cacheDirectory = try Directory(FilePath(directory.path).appending("cache"))
        try cacheDirectory.setModified(of: "kernel-1.elf", FileTime(seconds: 1))
        #expect(try cache.prune(unusedFor: StartCache.keepingSeconds).files == 1)
        #expect(result("digest") == ("result", false))
        #expect(try cache.prune(unusedFor: 0).files == 1)
        #expect(result("digest") == ("result", true))
        #expect(try cacheDirectory.exists("other"))
    }

    @Test("The modules of an initramfs are taken from the cache until one of their files changes")
    func modules() throws {
        let module = ModuleTree.Module(name: "erofs", path: file, contents: Array("one".utf8))
        let made = ModuleArchive(early: [module], late: [])
        let kept = try #require(made.kept)
        let again = try #require(ModuleArchive(kept: kept))
        #expect(again.early == ["/modules/erofs.ko"] && again.late.isEmpty)
        #expect(again.archive.finished() == made.archive.finished())
        for length in 0..<kept.count - made.archive.bytes.count {
            #expect(ModuleArchive(kept: Array(kept[..<length])) == nil)
        }
        try directory.write("file", "two2")
        #expect(ModuleArchive(kept: kept) == nil)
    }
}
