import Glibc
import Linux
import SystemPackage
import Testing

@Suite("Opened files", .enabled(if: geteuid() == 0, "only root observes whole mounts")) struct FileObserverTests {
    /// Returns the record while a tree of this depth is made and opened; each directory's name has 200 bytes.
    private func seen(depth: Int) throws -> FileObserver.OpenedPaths {
        let scratch = try TemporaryDirectory()
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
        "Every opened file is recorded, or the record is marked as incomplete", arguments: [(3, true), (25, false)])
    func completeness(depth: Int, isComplete: Bool) throws {
        let seen = try seen(depth: depth)
        #expect(seen.isComplete == isComplete)
        #expect(seen.paths.count >= min(depth, 15))
        #expect(seen.paths.allSatisfy { $0.count < 4_096 })
    }
}
