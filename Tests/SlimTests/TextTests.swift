import ImageFiles
import Linux
import OCI
import Support
import SystemPackage
import Testing

@testable import Slim

@Suite("The inputs of slimming") struct TextTests {
    @Test(
        "A pattern matches by components, and a directory's includes its contents",
        arguments: [
            ("/a/b", "a/b", true), ("a/b", "a/b/c", true), ("a/b", "a/bc", false), ("a/*", "a/x", true),
            ("a/*", "a", false),
            ("*.so", "a/x.so", false), ("**/*.so", "a/b/x.so", true), ("**/*.so", "x.so", true),
            ("a/**", "a/b/c", true),
            ("a/**", "a", false), ("a/**/z", "a/z", true), ("a/**/z", "a/b/c/z", true), ("a/**/z", "a/b/c/y", false),
            ("a?c", "abc", true), ("a?c", "ac", false), ("[a-c]x", "bx", true), ("[!a-c]x", "bx", false),
            ("[!a-c]x", "dx", true),
            ("*a*b*c*", "xxaxxbxxcxx", true), ("*a*b*c*", "xxcxxbxxa", false), ("a[", "a[", true),
        ])
    func matches(pattern: String, path: String, isMatch: Bool) throws {
        #expect(try ImagePathPattern(pattern).matches(ImagePath(path)) == isMatch)
    }

    @Test("A pattern that names the root or leaves it is refused", arguments: ["", "/", "a/../b", "./"])
    func refuses(text: String) { #expect(throws: SlimError.self) { try ImagePathPattern(text) } }

    @Test("A hostile pattern takes linear time")
    func isLinear() throws {
        let pattern = try ImagePathPattern(
            String(repeating: "**/", count: 200) + "z" + String(repeating: "*a", count: 40))
        let path = try ImagePath(String(repeating: "a/", count: 500) + String(repeating: "a", count: 200))
        #expect(!pattern.matches(path))
    }

    @Test(
        "The first line of a script contains its programs",
        arguments: [
            ("#!/bin/sh\n", ["/bin/sh"]), ("#! /bin/sh -e\n", ["/bin/sh"]),
            ("#!/usr/bin/env python3\n", ["/usr/bin/env", "python3"]),
            ("#!/usr/bin/env -S A=b node --x\n", ["/usr/bin/env", "node"]), ("#!/bin/sh", ["/bin/sh"]),
            ("#!/x/env\n", ["/x/env"]),
        ])
    func readsShebang(text: String, programs: [String]) throws {
        let script = try #require(Script(Array(text.utf8)))
        #expect(script.programs.map { String(decoding: $0, as: UTF8.self) } == programs)
    }

    @Test("A file without a first line is no script", arguments: ["", "#", "#!", "#!\n/bin/sh", "echo"])
    func readsNoScript(text: String) { #expect(Script(Array(text.utf8)) == nil) }

    @Test("An unknown extra is refused")
    func refusesExtra() throws {
        #expect(try KeepOption(named: "certs") == .certs)
        #expect(throws: SlimError.unknownKeepOption("perl")) { try KeepOption(named: "perl") }
    }
}

@Suite("The loader's cache") struct LoaderCacheTests {
    private func host() throws -> [UInt8] {
        try Directory("/").contents(of: FilePath("etc/ld.so.cache"), limit: 16 << 20)
    }

    @Test("The host's cache without a removed entry has the same content")
    func keepsAll() throws {
        let cache = try #require(LoaderCache(host()))
        #expect(cache.entries.count > 10)
        let again = try #require(LoaderCache(cache.reduced { _ in true }))
        #expect(again.entries == cache.entries)
        #expect(again.reduced { _ in true } == cache.reduced { _ in true })
    }

    @Test("A reduced cache has the entries that are kept, in their order")
    func reduces() throws {
        let cache = try #require(LoaderCache(host()))
        let isKept = { (entry: LoaderCache.Entry) in entry.name.count % 2 == 0 }
        let reduced = try #require(LoaderCache(cache.reduced(isKept)))
        #expect(reduced.entries == cache.entries.filter(isKept))
        let name = Array("libc.so.6".utf8)
        #expect(cache.paths(of: name).first?.path.suffix(9) == name[...])
        #expect(LoaderCache(cache.reduced { _ in false })?.entries == [])
    }

    @Test("A damaged cache is read or refused", arguments: 0..<4)
    func survivesDamage(seed: Int) throws {
        let whole = Array(try host().prefix(4096))
        var state = UInt64(seed) &* 0x9e37_79b9_7f4a_7c15 | 1
        func next(_ limit: Int) -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int(state >> 33) % limit
        }
        for _ in 0..<500 {
            var bytes = Array(whole.prefix(next(whole.count)))
            for _ in 0...next(6) where !bytes.isEmpty { bytes[next(min(bytes.count, 200))] = UInt8(next(256)) }
            _ = LoaderCache(bytes)?.reduced { _ in true }
        }
        #expect(LoaderCache([]) == nil)
        #expect(LoaderCache(Array("glibc-ld.so.cache1.1".utf8) + [UInt8](repeating: 0xff, count: 64)) == nil)
    }

    @Test("A cache after one of the old format is found")
    func skipsOld() throws {
        let cache = try #require(LoaderCache(host()))
        let old =
            Array("ld.so-1.7.0\0".utf8) + [1, 0, 0, 0] + [UInt8](repeating: 0, count: 12)
            + [UInt8](repeating: 0, count: 4)
        #expect(LoaderCache(old + cache.reduced { _ in true })?.entries == cache.entries)
    }

    @Test("The cache has precedence over the default directories, and is reduced to the kept files")
    func decides() async throws {
        let directory = "usr/lib/x86_64-linux-gnu"
        let cache = try #require(LoaderCache(host()))
        let sample = try Sample(
            [
                glibc() + [
                    file(
                        "etc/ld.so.cache",
                        cache.reduced {
                            $0.name.elementsEqual("libc.so.6".utf8) || $0.name.elementsEqual("libm.so.6".utf8)
                        }),
                    library("\(directory)/libm.so.6"), program("app", .program(needs: ["libc.so.6"])),
                ] + dpkg([("other", "", ["/\(directory)/libm.so.6"])])
            ], runs: ["/app"], environment: [])
        let plan = try await sample.plan(SlimOptions(exclude: [ImagePathPattern("**/libm.so.6")]))
        let node = try #require(plan.contents.tree.node(at: try ImagePath("etc/ld.so.cache")))
        let reduced = try #require(LoaderCache(plan.replacements[node] ?? []))
        #expect(reduced.entries.map(\.name) == [Array("libc.so.6".utf8)])
    }
}
