internal import Glibc
internal import Linux
internal import MicroVM
public import SystemPackage

/// The kernel that a guest boots.
public enum KernelChoice: Sendable, Equatable {
    /// Debian's cloud kernel, see ``Kernel/locate(cache:)``.
    case debian
    /// The kernel that `make kernel` builds, with everything built in.
    case small
    /// A kernel from the user.
    case file(FilePath)

    /// Parses `debian`, `small` or a path.
    public init(parsing text: String) {
        switch text {
        case "debian": self = .debian
        case "small": self = .small
        default: self = .file(FilePath(text))
        }
    }
}

extension Kernel {
    /// Finds the newest kernel that `fixtures/kernel/build.sh` left in a directory.
    static func small(in directory: FilePath) throws(ColdStartError) -> Kernel {
        let entries = (try? Directory(directory).entries()) ?? []
        let kernels = entries.compactMap { entry -> Kernel? in
            let name = String(decoding: entry.name, as: UTF8.self)
            guard name.hasPrefix("microvm-") else { return nil }
            let image = directory.appending(name).appending("vmlinux")
            guard isAccessible(image.string, R_OK) else { return nil }
            return Kernel(image: image, modules: nil, release: String(name.dropFirst("microvm-".count)))
        }
        guard let newest = kernels.max(by: { isOlder($0.release, $1.release) }) else {
            throw .kernelNotBuilt(directory)
        }
        return newest
    }

    /// Opens a kernel by its path.
    ///
    /// Its modules are those installed with it, if any: `lib/modules` beside its directory.
    static func own(_ image: FilePath) throws(ColdStartError) -> Kernel {
        let bytes: [UInt8]
        do throws(ColdStartError) { bytes = try readFile(image, limit: 256 << 20) } catch {
            if case .file(_, _, let errno) = error { throw .unreadableKernel(image, errno) }
            throw error
        }
        guard let release = release(of: bytes) else { throw .notAKernel(image) }
        let root = image.removingLastComponent().removingLastComponent()
        let modules = root.appending("lib/modules").appending(release)
        let hasModules = isAccessible(modules.appending("kernel").string, R_OK)
        return Kernel(image: image, modules: hasModules ? modules : nil, release: release)
    }

    /// Returns the kernel's release, as printed by `uname -r`.
    ///
    /// A bzImage's header points to it, and an ELF file has it in its banner.
    ///
    /// ```
    /// bzImage   header "HdrS"    kernel_version u16: where the release begins, less 0x200; a space ends it
    /// ELF       "Linux version RELEASE (..."
    /// ```
    static func release(of image: [UInt8]) -> String? {
        let magic = Array("HdrS".utf8)
        if image.count > SetupField.typeOfLoader, image.dropFirst(SetupField.header).starts(with: magic),
            let offset = image.number(UInt16.self, at: SetupField.kernelVersion)
        {
            return word(image.dropFirst(SetupField.kernelVersionBase + Int(offset)))
        }
        guard image.starts(with: Array("\u{7f}ELF".utf8)) else { return nil }
        let banner = Array("Linux version ".utf8)
        var rest = image[...]
        while let start = rest.firstIndex(of: banner[0]) {
            rest = rest[start...]
            if rest.starts(with: banner), let release = word(rest.dropFirst(banner.count)) { return release }
            rest = rest.dropFirst()
        }
        return nil
    }

    /// Returns the release at the start of `bytes`.
    ///
    /// It must be a valid path component, and begin with a digit: the text `Linux version %s` is in the kernel too.
    private static func word(_ bytes: ArraySlice<UInt8>) -> String? {
        let text = bytes.prefix(65).prefix { $0 != UInt8(ascii: " ") && $0 != 0 }
        guard let first = text.first, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(first), text.count < 65,
            !text.contains(UInt8(ascii: "/"))
        else { return nil }
        return String(validating: text, as: UTF8.self)
    }
}
