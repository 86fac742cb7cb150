internal import Glibc
internal import Linux
internal import MicroVM
public import SystemPackage

/// The results about files of this machine that each start needs, kept in the cache: digests, versions, modules.
///
/// ```
/// CACHE/kernel-IDENTITY.elf       an unpacked kernel
/// CACHE/start/KIND-IDENTITY       a digest, a version, or the modules of an initramfs
/// ```
/// The identity of a file changes with its contents. A cache that can't be read or written only costs time.
public struct StartCache: Sendable {
    private let cache: FilePath
    private static let directory: FilePath.Component = "start"

    /// The results in a cache directory.
    public init(_ cache: FilePath) { self.cache = cache }

    /// Returns the bytes that are kept about a file, else those of `make`, which are kept.
    ///
    /// - Parameter limit: The maximum size of kept bytes.
    public func bytes<Failure: Error>(
        _ kind: String, of file: FilePath, limit: Int = 4_096, _ make: () throws(Failure) -> [UInt8]
    ) throws(Failure) -> [UInt8] {
        guard let name = Self.name(kind, file) else { return try make() }
        if let kept = kept(name, limit: limit) { return kept }
        let bytes = try make()
        if bytes.count <= limit { keep(bytes, name) }
        return bytes
    }

    /// Returns the bytes that are kept about a file; nil if there are none.
    func kept(_ kind: String, of file: FilePath, limit: Int) -> [UInt8]? {
        Self.name(kind, file).flatMap { kept($0, limit: limit) }
    }

    /// Keeps bytes about a file.
    func keep(_ bytes: [UInt8], _ kind: String, of file: FilePath) {
        if let name = Self.name(kind, file) { keep(bytes, name) }
    }

    private static func name(_ kind: String, _ file: FilePath) -> FilePath? {
        guard let status = try? OwnedDescriptor(file, [.read, .nonBlocking]).status(), status.type == .regular else {
            return nil
        }
        return FilePath("\(kind)-\(status.identity)")
    }

    private func kept(_ name: FilePath, limit: Int) -> [UInt8]? {
        guard let directory = try? Directory(cache.appending(Self.directory)),
            let bytes = try? OwnedDescriptor(directory.path.appending(name.components), [.read, .nonBlocking])
                .readAll(limit: limit), !bytes.isEmpty
        else { return nil }
        // The time of the last use, for `thaw prune`.
        _ = try? directory.setModified(of: name, FileTime(seconds: Int64(Glibc.time(nil))))
        return bytes
    }

    private func keep(_ bytes: [UInt8], _ name: FilePath) {
        _ = try? Directory.make(cache.appending(Self.directory)).replace(name) { try $0.write(bytes) }
    }

    /// The time for which an unused file is kept, in seconds.
    public static let keepingSeconds: Int64 = 7 * 86_400

    /// Removes what no start has used for a time, and returns the number of files and their bytes.
    ///
    /// - Parameter seconds: The time; 0 removes all.
    public func prune(unusedFor seconds: Int64) throws -> (files: Int, bytes: Int64) {
        let limit = Int64(Glibc.time(nil)) - seconds
        var freed: (files: Int, bytes: Int64) = (0, 0)
        for (path, isOurs) in [
            (cache.appending(Self.directory), { (_: String) in true }),
            (cache, { $0.hasPrefix("kernel-") && $0.hasSuffix(".elf") }),
        ] {
            guard let directory = try? Directory(path) else { continue }
            for (name, status) in try directory.statuses() {
                guard status.type == .regular, isOurs(String(decoding: name, as: UTF8.self)),
                    seconds == 0 || status.modified.seconds < limit
                else { continue }
                try directory.remove(entry: name)
                freed = (freed.files + 1, freed.bytes + status.allocated)
            }
        }
        return freed
    }
}
