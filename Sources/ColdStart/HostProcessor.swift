internal import Linux
internal import SystemPackage

/// The processor and the kernel of this machine.
enum HostProcessor {
    /// The output of `uname -r`.
    static let kernelRelease: String = {
        guard let bytes = try? OwnedDescriptor("/proc/sys/kernel/osrelease").readAll(limit: 4096) else {
            return "unknown"
        }
        return String(decoding: bytes.prefix { $0 != 0x0A }, as: UTF8.self)
    }()

    /// The model's name in `/proc/cpuinfo`.
    static let model: String = {
        guard let bytes = try? OwnedDescriptor("/proc/cpuinfo").readAll(limit: 1 << 20) else { return "unknown" }
        let lines = String(decoding: bytes, as: UTF8.self).split(separator: "\n")
        guard let line = lines.first(where: { $0.hasPrefix("model name") }), let colon = line.firstIndex(of: ":") else {
            return "unknown"
        }
        return String(line[line.index(after: colon)...].drop { $0 == " " })
    }()
}
