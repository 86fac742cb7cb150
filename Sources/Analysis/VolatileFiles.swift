internal import OCI

/// A kind of file that differs at each build for a known reason.
struct VolatileFiles {
    /// The description for people.
    let what: String
    /// The remedy, one sentence.
    let cure: String
    private let parts: [String]

    /// All kinds; a path is of the first one that matches.
    ///
    /// A part that begins with `/var/` is the start of a path, one with a dot is its end, another one is anywhere.
    static let kinds = [
        VolatileFiles(
            what: "logs of npm", cure: "set ENV npm_config_logs_max=0, or mount a cache at /root/.npm",
            parts: ["/_logs/"]),
        VolatileFiles(
            what: "Node's compile cache", cure: "set NODE_DISABLE_COMPILE_CACHE=1, or remove it in the same RUN",
            parts: ["node-compile-cache/"]),
        VolatileFiles(
            what: "logs of apt and dpkg",
            cure: "end the RUN with rm -rf /var/log/apt /var/log/dpkg.log /var/log/alternatives.log",
            parts: ["/var/log/apt/", "/var/log/dpkg.log", "/var/log/alternatives.log"]),
        VolatileFiles(
            what: "the cache of ldconfig", cure: "end the RUN with rm -f /var/cache/ldconfig/aux-cache",
            parts: ["/var/cache/ldconfig/aux-cache"]),
        VolatileFiles(
            what: "Python bytecode with the time of its source",
            cure: "set PYTHONDONTWRITEBYTECODE=1, or compile with --invalidation-mode checked-hash",
            parts: [".pyc"]),
    ]

    /// Returns one sentence for each kind among the paths, with the number of files.
    static func causes(of paths: some Sequence<ImagePath>) -> [String] {
        var counts: [Int: Int] = [:]
        for path in paths {
            let text = path.description
            guard let kind = kinds.firstIndex(where: { $0.matches(text) }) else { continue }
            counts[kind, default: 0] += 1
        }
        return counts.sorted { $0.key < $1.key }.map { index, count in
            let (kind, verb) = (kinds[index], count == 1 ? "differs" : "differ")
            return "! \(counted(count, "file")) of \(kind.what) \(verb) at each build: \(kind.cure)"
        }
    }

    private func matches(_ path: String) -> Bool {
        parts.contains { part in
            if part.hasPrefix("/var/") { return path.hasPrefix(part) }
            return part.hasPrefix(".") ? path.hasSuffix(part) : path.contains(part)
        }
    }
}
