internal import Linux
internal import OCI
internal import SystemPackage

/// The platforms whose programs this machine can run: its own, and those with an emulator in the kernel (binfmt_misc).
struct Emulation {
    private let registry: FilePath

    init(registry: FilePath = "/proc/sys/fs/binfmt_misc") { self.registry = registry }

    /// True if commands for `platform` can run.
    func canRun(_ platform: Platform) -> Bool {
        let host = Platform.host
        if platform.os == host.os, platform.architecture == host.architecture { return true }
        if platform.os == "linux", host.architecture == "amd64", platform.architecture == "386" { return true }
        guard platform.os == "linux", let header = Self.header(of: platform.architecture) else { return false }
        return entries().contains { $0.takes(header) }
    }

    /// Returns the first bytes of a program, up to the machine field of the ELF header (ELF-64 object file format).
    private static func header(of architecture: String) -> [UInt8]? {
        // The values are the machine (e_machine), 64-bit, big-endian.
        let machines: [String: (UInt8, Bool, Bool)] = [
            "386": (3, false, false), "amd64": (62, true, false), "arm": (40, false, false),
            "arm64": (183, true, false),
            "mips64le": (8, true, false), "ppc64le": (21, true, false), "riscv64": (243, true, false),
            "s390x": (22, true, true),
        ]
        guard let (machine, is64, isBigEndian) = machines[architecture] else { return nil }
        let start: [UInt8] =
            [0x7f, 0x45, 0x4c, 0x46, is64 ? 2 : 1, isBigEndian ? 2 : 1, 1] + [UInt8](repeating: 0, count: 9)
        return start + (isBigEndian ? [0, 2, 0, machine] : [2, 0, machine, 0])
    }

    /// One binfmt_misc rule: bytes to compare, and a mask of their bits.
    private struct Entry {
        let offset: Int
        let magic: [UInt8]
        let mask: [UInt8]

        /// Parses the kernel's text of a rule; nil unless it is enabled and has the flag F.
        ///
        /// With F the kernel has already opened the interpreter; a path would not exist in a container.
        init?(_ text: String) {
            var fields: [String: String] = [:]
            for line in text.split(separator: "\n") {
                let words = line.split(separator: " ", maxSplits: 1)
                if let key = words.first { fields[String(key)] = words.count == 2 ? String(words[1]) : "" }
            }
            guard fields["enabled"] != nil, fields["flags:"]?.contains("F") == true,
                let magic = fields["magic"].flatMap(Self.bytes)
            else { return nil }
            offset = fields["offset"].flatMap { Int($0) } ?? 0
            self.magic = magic
            mask = fields["mask"].flatMap(Self.bytes) ?? [UInt8](repeating: 0xff, count: magic.count)
        }

        func takes(_ header: [UInt8]) -> Bool {
            guard offset == 0, magic.count <= header.count, mask.count == magic.count else { return false }
            return magic.indices.allSatisfy { header[$0] & mask[$0] == magic[$0] & mask[$0] }
        }

        private static func bytes(_ hex: String) -> [UInt8]? {
            let digits = Array(hex.utf8)
            guard digits.count.isMultiple(of: 2) else { return nil }
            let bytes = stride(from: 0, to: digits.count, by: 2).compactMap {
                UInt8(String(decoding: digits[$0..<($0 + 2)], as: UTF8.self), radix: 16)
            }
            return bytes.count * 2 == digits.count ? bytes : nil
        }
    }

    private func entries() -> [Entry] {
        // Without the file system there are no rules.
        guard let directory = try? Directory(registry), let names = try? directory.entries().map(\.name) else {
            return []
        }
        return names.compactMap { name in
            guard let file = try? directory.open(FilePath(bytes: name)), let text = try? file.readAll(limit: 64 << 10)
            else { return nil }
            return Entry(String(decoding: text, as: UTF8.self))
        }
    }
}
