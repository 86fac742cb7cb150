internal import Frontend
internal import Linux
public import Project
internal import SystemPackage

extension PlatformProfile {
    /// The profile of Cloudflare Containers that is built in.
    public static let cloudflareContainers = builtIn("cloudflare-containers")

    /// Returns the profile that is built in with the name, or reads the file.
    public static func read(_ nameOrFile: String) throws -> PlatformProfile {
        if let text = texts[nameOrFile] { return try PlatformProfile(parsing: text, name: nameOrFile) }
        guard fileExists(FilePath(nameOrFile)) else {
            let known = texts.keys.sorted()
            throw Failure(
                "--profile '\(nameOrFile)' is neither a profile nor a file"
                    + Suggestion.ending(for: nameOrFile, in: known),
                remedy: "built in: \(known.joined(separator: ", "))", status: .usage)
        }
        let bytes = try OwnedDescriptor(FilePath(nameOrFile)).readAll(limit: 1 << 20)
        return try PlatformProfile(parsing: String(decoding: bytes, as: UTF8.self), name: nameOrFile)
    }

    private static func builtIn(_ name: String) -> PlatformProfile {
        guard let text = texts[name], let profile = try? PlatformProfile(parsing: text, name: name) else {
            preconditionFailure("a built-in profile is valid, which a test checks")
        }
        return profile
    }

    /// Returns the instance of a name of the command line or a wrangler file.
    ///
    /// - Parameter place: The option or the file, for errors.
    func instance(named name: String, in place: String) throws -> Instance {
        if let found = instance(named: name) { return found }
        let known = instances.map(\.name)
        throw Failure(
            "\(place): \(self.name) has no instance type '\(name)'" + Suggestion.ending(for: name, in: known),
            remedy: "it has \(known.joined(separator: ", ")) (\(date))", status: .usage)
    }

    /// Returns the size of a container's machine; nil for the platform's default.
    func instance(of container: WranglerFile.WorkerContainer, in file: String) throws -> Instance? {
        switch container.instance {
        case nil: return nil
        case .named(let name)?: return try instance(named: name, in: file)
        case .custom(let vcpu, let memory, let disk)?: return custom(vcpu: vcpu, memory: memory, disk: disk)
        }
    }
}
