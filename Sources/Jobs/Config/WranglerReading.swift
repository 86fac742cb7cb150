internal import Linux
public import Project
public import SystemPackage

extension WranglerFile {
    /// A wrangler file of a directory.
    public struct FoundFile: Sendable {
        /// The name of the file.
        public let name: String
        /// Its contents.
        public let file: WranglerFile
    }

    /// Reads the first wrangler file of a directory; returns nil if there is none.
    public static func find(in directory: FilePath) throws -> FoundFile? {
        guard let name = names.first(where: { fileExists(directory.appending($0)) }) else { return nil }
        let bytes = try Directory(directory).contents(of: FilePath(name), limit: 1 << 20)
        let file = try WranglerFile(parsing: String(decoding: bytes, as: UTF8.self), name: name)
        return FoundFile(name: name, file: file)
    }
}

extension WranglerFile.WorkerContainer {
    /// Returns the path of its Dockerfile, relative to the wrangler file; nil if it names an image of a registry.
    ///
    /// - Throws: A usage failure for a path at which nothing is.
    public func dockerfile(in directory: FilePath, file: String) throws -> String? {
        let path = directory.pushing(FilePath(image))
        if fileExists(path) {
            let isDirectory = (try? Directory(path)) != nil
            return FilePath(isDirectory ? image + "/Dockerfile" : image).lexicallyNormalized().string
        }
        guard !image.hasPrefix("."), !image.hasPrefix("/"), !image.contains("Dockerfile") else {
            throw Failure(
                "\(file): the container \(name) has image \"\(image)\", and there is no such file",
                remedy: "name a Dockerfile relative to \(file), or an image of a registry", status: .usage)
        }
        return nil
    }

    /// The container in a few words: `App: ./Dockerfile, basic`.
    var words: String {
        let size: String? =
            switch instance {
            case .named(let name)?: name
            case .custom?: "an instance of its own size"
            case nil: nil
            }
        return "\(name): " + [image, size].compactMap(\.self).joined(separator: ", ")
    }
}

extension ProjectFile {
    /// Returns the project with the build of the first container of a wrangler file that has a Dockerfile.
    ///
    /// Keys of `thaw.toml` take precedence.
    ///
    /// - Parameter note: Receives one line about what was taken.
    public func completed(
        byWranglerIn directory: FilePath, profile: PlatformProfile, note: (String) -> Void
    ) throws -> ProjectFile {
        guard build.dockerfile == nil, let found = try WranglerFile.find(in: directory) else { return self }
        let all = try found.file.containers.compactMap { container in
            try container.dockerfile(in: directory, file: found.name).map { (container, $0) }
        }
        guard let (container, path) = all.first else { return self }
        var project = self
        project.build.dockerfile = path
        let context = container.context ?? FilePath(path).removingLastComponent().string
        project.build.context = build.context ?? (context.isEmpty ? nil : context)
        project.build.args = container.arguments.merging(build.args ?? [:]) { $1 }
        let instance = try profile.instance(of: container, in: found.name)
        project.boot.memory = boot.memory ?? instance?.memory
        let others = all.dropFirst().map(\.0.name)
        let rest = others.isEmpty ? "" : "; not taken: \(others.joined(separator: ", "))"
        note(
            "container \(container.words)\(instance.map { " (\($0.memory) of memory)" } ?? ""), from \(found.name)\(rest)"
        )
        return project
    }
}
