internal import Frontend
public import Linux
internal import OCI
internal import Project
public import SystemPackage

/// The facts of a directory that `thaw init` writes down.
public struct ProjectFindings: Sendable, Equatable {
    /// The path of the Dockerfile in the directory; nil if there is none.
    public var dockerfile: String?
    /// The probe of `[probe]`, as a line of TOML; nil if nothing suggests one.
    public var probe: String?
    /// The sentences about what was found.
    public var remarks: [String] = []
    /// The memory of the machine; nil for the default.
    public var memory: ByteCount?

    /// Makes findings of nothing.
    public init() {}

    /// Examines a directory.
    public init(of directory: FilePath) throws {
        let profile = PlatformProfile.cloudflareContainers
        let project = try ProjectFile().completed(byWranglerIn: directory, profile: profile) { remarks.append($0) }
        memory = project.boot.memory
        let names = ["Dockerfile", "dockerfile"].filter { fileExists(directory.appending($0)) }
        guard let name = project.build.dockerfile ?? names.first else {
            remarks.append("no Dockerfile")
            return
        }
        dockerfile = name
        let bytes = try Directory(directory).contents(of: FilePath(name), limit: 1 << 20)
        // A Dockerfile with errors has no probe; a build reports them.
        guard let file = try? Dockerfile(parsing: bytes, name: name), let last = file.stages.last else {
            remarks.append("\(name) has errors, which 'thaw lint \(name)' lists")
            return
        }
        takeProbe(of: last, in: name)
    }

    private mutating func takeProbe(of stage: Stage, in file: String) {
        var ports: [UInt16] = []
        for located in stage.instructions {
            switch located.value {
            case .healthcheck(let check) where check.command != nil:
                remarks.append("\(file) has a HEALTHCHECK, which is the probe")
                return
            case .expose(let expose): ports += expose.ports.compactMap { Self.port($0.text) }
            default: break
            }
        }
        guard let port = ports.min() else { return }
        remarks.append("\(file) has EXPOSE \(port)")
        probe = "tcp = \(port)"
    }

    /// Returns the number of `8080` or `8080/tcp`; nil for a variable, a range or another protocol.
    private static func port(_ text: String) -> UInt16? {
        let parts = text.split(separator: "/", maxSplits: 1)
        guard parts.count == 1 || parts[1] == "tcp" else { return nil }
        return parts.first.flatMap { UInt16($0) }.flatMap { $0 > 0 ? $0 : nil }
    }
}
