/// Facts about the images and the context of a Dockerfile; the caller provides them.
///
/// Any fact may be missing: a check without its facts reports nothing.
public struct ImageFacts: Sendable {
    /// The base image of a stage.
    public struct Base: Sendable {
        /// The names in /etc/passwd, or nil if unknown.
        public var users: Set<String>?
        /// The names in /etc/group, or nil if unknown.
        public var groups: Set<String>?
        /// `Env` of its config, or nil if unknown.
        public var environment: [Variable]?
        /// `WorkingDir` of its config, or nil if unknown.
        public var workingDirectory: String?
        /// The platform of the image, or nil if unknown.
        public var platform: PlatformArguments?

        /// Makes a base without facts.
        public init() {}
    }

    /// The state of a path in a finished stage.
    public enum FileState: Sendable { case missing, notExecutable, executable }

    /// A file that a layer stores again though only its owner or mode changed.
    public struct RewrittenFile: Sendable {
        /// The path in the image.
        public var path: String
        /// The size of the second copy.
        public var byteCount: Int64

        public init(path: String, byteCount: Int64) {
            self.path = path
            self.byteCount = byteCount
        }
    }

    /// One layer of the result.
    public struct BuiltLayer: Sendable {
        /// The stage that made it.
        public var stage: Int
        /// The line of the instruction that made it.
        public var line: Int
        /// The files of earlier layers that it stores again.
        public var rewrites: [RewrittenFile]
        /// The files of package managers' lists and caches in it, with their sizes.
        public var leftovers: [RewrittenFile]

        public init(stage: Int, line: Int, rewrites: [RewrittenFile] = [], leftovers: [RewrittenFile] = []) {
            self.stage = stage
            self.line = line
            self.rewrites = rewrites
            self.leftovers = leftovers
        }
    }

    /// The facts about the base image of each stage, by stage index.
    public var bases: [Int: Base] = [:]
    /// The state of a path in a finished stage, or nil if unknown.
    public var file: @Sendable (_ stage: Int, _ path: String) -> FileState? = { _, _ in nil }
    /// The layers of the result.
    public var layers: [BuiltLayer] = []
    /// Directories and files at the top of the context, with their sizes.
    public var contextEntries: [RewrittenFile] = []
    /// The context's `.dockerignore`, or nil if there is none or no context.
    public var ignoreRules: IgnoreRules?

    /// The names of context entries that rarely belong in an image, and that the caller should look for.
    public static var unwantedEntries: [String] { Linter.unwanted.sorted() }

    /// Makes an empty set of facts.
    public init() {}
}
