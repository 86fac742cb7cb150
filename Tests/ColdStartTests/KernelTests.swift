import Linux
import SystemPackage
import Testing

@testable import ColdStart

/// Finding kernels, and reading their releases.
@Suite struct KernelTests {
    /// A directory that is removed with the test.
    private final class Directories {
        let path = FilePath("/tmp/thaw-kernels-\(UInt64.random(in: 0 ... .max))")

        func write(_ name: FilePath, _ bytes: [UInt8]) throws {
            let root = try Directory.make(path)
            try root.makeDirectories(name.removingLastComponent())
            try root.replace(name, with: bytes)
        }

        deinit {
            // It may not exist.
            try? Directory("/tmp").removeTree(FilePath(path.lastComponent?.string ?? ""))
        }
    }

    @Test(
        "A kernel is chosen by name, or else by its path",
        arguments: [
            ("debian", KernelChoice.debian), ("small", .small), ("./small", .file("./small")),
            ("/boot/vmlinux", .file("/boot/vmlinux")),
        ])
    func choices(text: String, choice: KernelChoice) {
        #expect(KernelChoice(parsing: text) == choice)
    }

    @Test("The newest small kernel is used, compared by number; a directory without an image is skipped")
    func newest() throws {
        let directories = Directories()
        for name in ["microvm-6.1.99-thaw-b", "microvm-6.1.192-thaw-a", "microvm-6.1.20-thaw-c", ".microvm.x"] {
            try directories.write(FilePath(name).appending("vmlinux"), [1])
        }
        try directories.write("microvm-6.2.0-thaw-d/config", [1])
        try directories.write("boot/vmlinuz-6.3.0-cloud-amd64", [1])
        let kernel = try Kernel.small(in: directories.path)
        #expect(kernel.image == directories.path.appending("microvm-6.1.192-thaw-a").appending("vmlinux"))
        #expect(kernel.release == "6.1.192-thaw-a")
        #expect(kernel.modules == nil)
    }

    @Test("If no small kernel was built, the error has the command to build it")
    func notBuilt() {
        #expect(throws: ColdStartError.kernelNotBuilt("/nowhere")) { try Kernel.small(in: "/nowhere") }
        #expect(ColdStartError.kernelNotBuilt("/nowhere").remedy == "build it with: make kernel")
    }

    private static func bzImage(_ release: String, at offset: Int = 0x300) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: 0x500)
        bytes.replaceSubrange(0x202..<0x206, with: Array("HdrS".utf8))
        bytes[0x20e] = UInt8(truncatingIfNeeded: offset - 0x200)
        bytes[0x20f] = UInt8(truncatingIfNeeded: (offset - 0x200) >> 8)
        bytes.replaceSubrange(0x300..<(0x300 + release.utf8.count), with: Array(release.utf8))
        return bytes
    }

    private static func elf(_ text: String) -> [UInt8] { Array("\u{7f}ELF\0\0Linux\0\(text)\0".utf8) }

    /// Named, so that a test's output does not contain the bytes.
    struct Image: CustomTestStringConvertible {
        let name: String
        let bytes: [UInt8]
        let release: String?

        init(_ name: String, _ bytes: [UInt8], _ release: String?) {
            self.name = name
            self.bytes = bytes
            self.release = release
        }

        var testDescription: String { name }
    }

    static let images: [Image] = [
        .init("a bzImage", bzImage("6.1.0-56-cloud-amd64 (debian-kernel) #1"), "6.1.0-56-cloud-amd64"),
        .init("a bzImage that points outside", bzImage("6.1.0", at: 0x200 + 0xffff), nil),
        .init("a truncated bzImage", Array(bzImage("6.1.0").prefix(0x210)), nil),
        .init("a bzImage that never ends", bzImage(String(repeating: "6", count: 0x200)), nil),
        .init("an ELF file", elf("Linux version 6.1.192-thaw-1 (root@box) (gcc)"), "6.1.192-thaw-1"),
        .init("an ELF file with a pattern before", elf("Linux version %s (%s)\0Linux version 5.4 ("), "5.4"),
        .init("an ELF file that leaves its directory", elf("Linux version 6/../../etc ("), nil),
        .init("an ELF file of something else", elf("Linux version "), nil),
        .init("many beginnings", elf(String(repeating: "Linux version ", count: 20_000)), nil),
        .init("a script", Array("#!/bin/sh\n# Linux version 6.1 (\n".utf8), nil),
        .init("nothing", [], nil),
    ]

    @Test("A kernel's release is read from its image; a file without one is not a kernel", arguments: images)
    func release(image: Image) throws {
        #expect(Kernel.release(of: image.bytes) == image.release)
        let directories = Directories()
        try directories.write("boot/kernel", image.bytes)
        let path = directories.path.appending("boot").appending("kernel")
        if let release = image.release {
            #expect(try Kernel.own(path) == Kernel(image: path, modules: nil, release: release))
        } else {
            #expect(throws: ColdStartError.notAKernel(path)) { try Kernel.own(path) }
        }
    }

    @Test("A kernel given by its path uses the modules that are installed beside it")
    func modules() throws {
        let directories = Directories()
        try directories.write("boot/vmlinuz-6.1.0", KernelTests.bzImage("6.1.0 (x)"))
        try directories.write("lib/modules/6.1.0/kernel/fs/erofs.ko", [1])
        let kernel = try Kernel.own(directories.path.appending("boot").appending("vmlinuz-6.1.0"))
        #expect(kernel.modules == directories.path.appending("lib").appending("modules").appending("6.1.0"))
    }

    @Test("The error for a missing kernel has its path")
    func missing() {
        #expect(throws: ColdStartError.unreadableKernel("/nowhere/vmlinux", .noSuchFileOrDirectory)) {
            try Kernel.own("/nowhere/vmlinux")
        }
    }

    @Test("Soft dependencies are loaded before and after their module, by name or by alias")
    func softDependencies() throws {
        let directories = Directories()
        let files: [(name: FilePath, information: String)] = [
            ("erofs.ko", "depends=libcrc32c"), ("libcrc32c.ko", "softdep=pre: crc32c post: late-one absent"),
            ("crc32c_generic.ko", "alias=crc32c"), ("crc32c-other.ko", "alias=crc32c"),
            ("crc32c_aaa.ko", "alias=something"), ("late_one.ko", "depends="),
        ]
        for (name, information) in files {
            let bytes = Array("\0\(information)\0".utf8)
            try directories.write(FilePath("lib/kernel").appending(name.components), bytes)
        }
        let tree = try ModuleTree(directories.path.appending("lib"), release: "6.1.0")
        #expect(try tree.modules(["erofs"]).map(\.name) == ["crc32c_generic", "libcrc32c", "late_one", "erofs"])
    }
}
