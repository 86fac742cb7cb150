import Glibc
import Linux
import SystemPackage
import Testing

@Suite("Following files", .enabled(if: geteuid() == 0, "only root follows whole mounts")) struct FileObserverTests {
    /// What is seen while a tree of this depth is made and opened, each directory's name 200 bytes long.
    private func seen(depth: Int) throws -> FileObserver.Seen {
        let scratch = try Scratch()
        let mount = try Mount.bind(scratch.path, recursive: false)
        try mount.attach(to: scratch.path)
        defer { try? Mount.detach(scratch.path, lazily: true) }
        let observer = try FileObserver()
        try observer.follow(mount)
        var place = OwnedDescriptor(owning: unsafe open(scratch.path.string, O_RDONLY | O_DIRECTORY | O_CLOEXEC))
        for _ in 0..<depth {
            let name = String(repeating: "d", count: 200)
            #expect(unsafe mkdirat(place.rawValue, name, 0o755) == 0)
            let next = unsafe openat(place.rawValue, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
            place = OwnedDescriptor(owning: next)
        }
        return observer.end()
    }

    @Test(
        "Everything that was opened is seen, or it is said that something is not", arguments: [(3, true), (25, false)])
    func completeness(depth: Int, isComplete: Bool) throws {
        let seen = try seen(depth: depth)
        #expect(seen.isComplete == isComplete)
        #expect(seen.paths.count >= min(depth, 15))
        #expect(seen.paths.allSatisfy { $0.count < 4_096 })
    }
}
