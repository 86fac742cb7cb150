internal import Glibc
internal import Linux
public import SystemPackage

/// A kernel that a guest can boot, with its modules.
public struct Kernel: Sendable, Equatable {
    /// A bzImage or an ELF file with a PVH entry.
    public let image: FilePath
    /// The directory of its modules, which contains `kernel/`; `nil` if everything is built in.
    public let modules: FilePath?
    /// The output of `uname -r` in the guest.
    public let release: String

    /// A kernel from the user.
    public init(image: FilePath, modules: FilePath?, release: String) {
        self.image = image
        self.modules = modules
        self.release = release
    }

    /// Finds Debian's cloud kernel.
    ///
    /// It is the newest installed one, else the newest one in `cache`, else the one in its package. The package is
    /// downloaded with the machine's own apt and unpacked into `cache`; nothing is installed.
    ///
    /// - Throws: ``ColdStartError/kernelMissing(reason:)``
    public static func locate(cache: FilePath) async throws(ColdStartError) -> Kernel {
        if let installed = newest(under: "/") ?? newest(under: cache.appending("kernel")) { return installed }
        return try await offload { () throws(ColdStartError) in try download(into: cache) }
    }

    /// Finds the chosen kernel; only a missing Debian kernel is downloaded.
    ///
    /// - Throws: ``ColdStartError/kernelMissing(reason:)``, ``ColdStartError/kernelNotBuilt(_:)`` or
    ///   ``ColdStartError/notAKernel(_:)``
    public static func locate(_ choice: KernelChoice, cache: FilePath) async throws(ColdStartError) -> Kernel {
        switch choice {
        case .debian: try await locate(cache: cache)
        case .small: try small(in: cache.appending("kernel"))
        case .file(let path): try await offload { () throws(ColdStartError) in try own(path) }
        }
    }

    /// The newest readable cloud kernel below a root directory whose modules are readable too.
    static func newest(under root: FilePath) -> Kernel? {
        let boot = root.appending("boot")
        guard let entries = try? Directory(boot).entries() else { return nil }
        let kernels = entries.compactMap { entry -> Kernel? in
            let name = String(decoding: entry.name, as: UTF8.self)
            guard name.hasPrefix("vmlinuz-"), name.hasSuffix("-cloud-amd64") else { return nil }
            let release = String(name.dropFirst("vmlinuz-".count))
            let modules = root.appending("lib/modules").appending(release)
            let kernel = Kernel(image: boot.appending(name), modules: modules, release: release)
            return kernel.isReadable ? kernel : nil
        }
        return kernels.max { isOlder($0.release, $1.release) }
    }

    private var isReadable: Bool {
        isAccessible(image.string, R_OK) && (modules.map { isAccessible($0.appending("kernel").string, R_OK) } ?? true)
    }

    /// Compares releases part by part, numbers by value: 6.1.0-9 is older than 6.1.0-56.
    static func isOlder(_ left: String, _ right: String) -> Bool {
        func parts(_ release: String) -> [Substring] { release.split { $0 == "." || $0 == "-" } }
        for (one, other) in zip(parts(left), parts(right)) where one != other {
            if let one = Int(one), let other = Int(other) { return one < other }
            return one < other
        }
        return parts(left).count < parts(right).count
    }

    private static let metapackage = "linux-image-cloud-amd64"

    private static func download(into cache: FilePath) throws(ColdStartError) -> Kernel {
        do throws(ColdStartError) {
            let scratch = try makeScratch(in: cache)
            defer { try? Directory(cache).removeTree(FilePath(scratch.lastComponent?.string ?? "")) }
            let package = try concretePackage()
            _ = try Tool.output(["apt-get", "-q", "download", package], in: scratch, limit: 1 << 20)
            guard
                let archive = (try? Directory(scratch).entries())?.first(where: {
                    $0.name.suffix(4) == ArraySlice(".deb".utf8)
                })
            else { throw .kernelMissing(reason: "apt-get download \(package) left no package behind") }
            let file = String(decoding: archive.name, as: UTF8.self)
            let tree = scratch.appending("tree")
            _ = try Tool.output(["dpkg-deb", "-x", file, tree.string], in: scratch, limit: 1 << 20)
            let kernels = cache.appending("kernel")
            _ = try? Directory.make(kernels)
            // The first of several processes wins. The image comes last, so a kernel that is found there is always
            // complete.
            for part in ["lib", "boot"] {
                _ = unsafe rename(tree.appending(part).string, kernels.appending(part).string)
            }
        } catch {
            if case .kernelMissing = error { throw error }
            throw .kernelMissing(reason: "cannot fetch package \(metapackage): \(error)")
        }
        if let kernel = newest(under: cache.appending("kernel")) { return kernel }
        throw .kernelMissing(reason: "package \(metapackage) contains no kernel with modules")
    }

    /// Returns the package that the metapackage depends on today.
    private static func concretePackage() throws(ColdStartError) -> String {
        let output = try Tool.output(["apt-cache", "depends", "--important", metapackage], limit: 1 << 20)
        for line in String(decoding: output, as: UTF8.self).split(separator: "\n") {
            let words = line.split(separator: " ")
            if words.count == 2, words[0] == "Depends:", words[1].hasPrefix("linux-image-") { return String(words[1]) }
        }
        throw .kernelMissing(reason: "package \(metapackage) is not in apt's lists; run apt-get update")
    }

    private static func makeScratch(in cache: FilePath) throws(ColdStartError) -> FilePath {
        do throws(SystemError) {
            _ = try Directory.make(cache)
            var template = Array(cache.appending("kernel.XXXXXX").string.utf8CString)
            guard unsafe mkdtemp(&template) != nil else {
                throw SystemError("make directory in", cache, Errno(rawValue: errno))
            }
            return FilePath(platformString: template)
        } catch { throw .file(error.operation, error.path, error.errno) }
    }
}

/// Runs blocking work with typed errors off the threads of async code.
func offload<Value: Sendable>(
    _ body: @escaping @Sendable () throws(ColdStartError) -> Value
) async throws(ColdStartError) -> Value {
    try await offloadResult(body).get()
}

/// Does the same, and returns a `Result`.
func offloadResult<Value: Sendable>(
    _ body: @escaping @Sendable () throws(ColdStartError) -> Value
) async -> Result<Value, ColdStartError> {
    await withCheckedContinuation { continuation in
        WorkerThread.start {
            do throws(ColdStartError) {
                continuation.resume(returning: .success(try body()))
            } catch { continuation.resume(returning: .failure(error)) }
        }
    }
}
