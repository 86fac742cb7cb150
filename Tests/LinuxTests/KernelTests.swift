import Glibc
import Linux
import Synchronization
import SystemPackage
import Testing

@Suite struct DescriptorTests {
    @Test("An error names the operation, the path and the reason")
    func description() {
        let error = SystemError("mount overlay", "/x", .permissionDenied)
        #expect(error.description == "mount overlay '/x': Permission denied")
    }

    @Test("A descriptor is close-on-exec and closed with its owner")
    func ownership() throws {
        let number: Int32
        do {
            let file = try OwnedDescriptor("/dev/null")
            number = file.rawValue
            #expect(fcntl(number, F_GETFD) == FD_CLOEXEC)
        }
        #expect(throws: SystemError.self) { _ = try OwnedDescriptor("/nowhere") }
    }

    @Test("Pages of zeros are not written, and are no part of a file's data")
    func sparse() throws {
        let scratch = try TemporaryDirectory()
        let file = try scratch.directory.open("sparse", [.readWrite, .create])
        var bytes = [UInt8](repeating: 0, count: 100 * 4096 + 7)
        for position in [0, 60 * 4096 + 4095, 61 * 4096, 100 * 4096 + 6] { bytes[position] = 1 }
        try unsafe file.writeSparsely(bytes.span.bytes, at: 4096)
        try file.truncate(to: Int64(bytes.count + 3 * 4096))
        #expect(try file.status().allocated <= 5 * 4096)
        #expect(
            try file.read(200 * 4096, at: 0) == [UInt8](repeating: 0, count: 4096) + bytes
                + .init(repeating: 0, count: 2 * 4096))
        let page: UInt64 = 4096
        #expect(
            try file.dataRanges(in: 0..<(200 * page)) == [
                page..<(2 * page), (61 * page)..<(63 * page), (101 * page)..<(102 * page),
            ])
        #expect(try file.dataRanges(in: (61 * page + 10)..<(61 * page + 20)) == [(61 * page + 10)..<(61 * page + 20)])
        #expect(try file.dataRanges(in: (3 * page)..<(4 * page)).isEmpty)
        #expect(try file.dataRanges(in: 0..<0).isEmpty)
    }

    @Test("Written bytes are read, at any offset")
    func transfer() throws {
        let scratch = try TemporaryDirectory()
        let file = try scratch.directory.open("file", [.readWrite, .create])
        let bytes = [UInt8](0..<200)
        try file.write(bytes)
        #expect(try file.size() == 200)
        #expect(try file.read(10, at: 100) == Array(100..<110))
        #expect(try file.read(1000, at: 195) == Array(195..<200))
        #expect(try file.read(10) == [])
        try file.truncate(to: 3)
        try file.sync()
        #expect(try file.size() == 3)
        try file.close()
    }

    @Test("Writing to a full device is an error")
    func full() throws {
        #expect(throws: SystemError("write", nil, .noSpace)) { try OwnedDescriptor("/dev/full", .write).write([1]) }
    }
}

@Suite struct LockTests {
    @Test("An exclusive lock blocks all others, a shared one only exclusive locks")
    func modes() throws {
        let scratch = try TemporaryDirectory()
        let path = scratch.path.appending("lock")
        let held = try Lock(path, .exclusive)
        #expect(try isFree(path, .shared) == false)
        try held.release()
        let shared = try Lock(path, .shared)
        #expect(try isFree(path, .shared))
        #expect(try isFree(path, .exclusive) == false)
        try shared.release()
        #expect(try isFree(path, .exclusive))
    }

    private func isFree(_ path: FilePath, _ mode: Lock.Mode) throws -> Bool {
        guard let lock = try Lock.attempt(path, mode) else { return false }
        try lock.release()
        return true
    }
}

@Suite struct OffloadTests {
    @Test("Results are in the order of the items, and at most width run at once", arguments: [1, 3, 100])
    func order(width: Int) async throws {
        let running = Counter()
        let result = try await Offload.map(Array(0..<200), width: width) { item in
            running.enter()
            defer { running.leave() }
            if item % 50 == 0 { usleep(2000) }
            return item * 2
        }
        #expect(result == (0..<200).map { $0 * 2 })
        #expect(running.most <= min(width, Offload.width))
    }

    @Test("After a failure no further item starts")
    func failure() async throws {
        struct Stop: Error {}
        let begun = Counter()
        await #expect(throws: Stop.self) {
            try await Offload.map(Array(0..<1000), width: 2) { item in
                begun.enter()
                if item == 3 { throw Stop() }
            }
        }
        #expect(begun.most < 20)
    }

    @Test("A thousand blocking calls don't use a thousand threads")
    func bounded() async throws {
        let running = Counter()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<1000 {
                group.addTask {
                    try await Offload.run {
                        running.enter()
                        usleep(100)
                        running.leave()
                    }
                }
            }
            try await group.waitForAll()
        }
        #expect(running.most <= Offload.width)
    }
}

/// Counts concurrent calls, and their maximum.
final class Counter: Sendable {
    private let state = Mutex((now: 0, most: 0))

    var most: Int { state.withLock(\.most) }

    func enter() {
        state.withLock { $0 = ($0.now + 1, max($0.most, $0.now + 1)) }
    }

    func leave() {
        state.withLock { $0.now -= 1 }
    }
}

@Suite struct MountTests {
    @Test("An overlay works detached, and shows its layers in order", arguments: [1, 2, 150])
    func overlay(count: Int) throws {
        let scratch = try TemporaryDirectory()
        for number in 0..<count {
            try scratch.directory.makeDirectory(FilePath("lower-\(number)"))
            try scratch.write(FilePath("lower-\(number)/who"), "\(number)")
            try scratch.write(FilePath("lower-\(number)/only-\(number)"), "")
        }
        for name in ["upper", "work"] { try scratch.directory.makeDirectory(FilePath(name)) }
        let lowers = (0..<count).map { scratch.path.appending("lower-\($0)") }
        let mount = try Mount.overlay(
            lowers: lowers, upper: scratch.path.appending("upper"), work: scratch.path.appending("work"))
        let root = try mount.root(named: "merged")
        #expect(try root.contents(of: "who", limit: 10) == Array("0".utf8))
        #expect(try root.entries().count == count + 1)
        try root.remove("who")
        #expect(try scratch.directory.status(of: "upper/who").isWhiteout)
        let table = try OwnedDescriptor("/proc/self/mountinfo").readAll(limit: 1 << 20)
        #expect(!String(decoding: table, as: UTF8.self).contains(scratch.path.string))
    }

    @Test("An overlay of one layer without upper is read-only")
    func readOnly() throws {
        let scratch = try TemporaryDirectory()
        try scratch.directory.makeDirectory("lower")
        let root = try Mount.overlay(lowers: [scratch.path.appending("lower")], upper: nil, work: nil).root(named: "m")
        #expect(throws: SystemError("make directory", "m/x", .readOnlyFileSystem)) { try root.makeDirectory("x") }
    }

    @Test("A layer's name may contain the separators of mount options")
    func oddNames() throws {
        let scratch = try TemporaryDirectory()
        try scratch.directory.makeDirectories("a:b,c\\d/in")
        let root = try Mount.overlay(lowers: [scratch.path.appending("a:b,c\\d")], upper: nil, work: nil)
            .root(named: "m")
        #expect(try root.exists("in"))
    }

    @Test("The error of a missing layer names it")
    func missing() throws {
        #expect(throws: SystemError("mount overlay, option lowerdir+", "/nowhere", .noSuchFileOrDirectory)) {
            _ = try Mount.overlay(lowers: ["/nowhere", "/usr"], upper: nil, work: nil)
        }
    }

    @Test("A read-only bind mount can't be written")
    func bind() throws {
        let scratch = try TemporaryDirectory()
        let root = try Mount.bind(scratch.path, attributes: .readOnly).root(named: "m")
        #expect(throws: SystemError("make directory", "m/x", .readOnlyFileSystem)) { try root.makeDirectory("x") }
        try scratch.directory.makeDirectory("x")
        #expect(try root.exists("x"))
    }
}
