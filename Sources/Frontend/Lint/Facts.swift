/// What is known about the images and the context that a Dockerfile names; whoever has them fills it in.
///
/// Everything may be missing: a check that lacks its facts stays silent.
public struct ImageFacts: Sendable {
    /// The base image of a stage.
    public struct Base: Sendable {
        /// The names in /etc/passwd, or nil if nobody looked.
        public var users: Set<String>?
        /// The names in /etc/group, or nil if nobody looked.
        public var groups: Set<String>?
        /// `Env` of its config, or nil if nobody looked.
        public var environment: [Variable]?
        /// `WorkingDir` of its config.
        public var workingDirectory: String?
        /// The platform the image is for.
        public var platform: PlatformArguments?

        /// A base of which nothing is known yet.
        public init() {}
    }

    /// What a path of a finished stage is.
    public enum FileState: Sendable { case missing, notExecutable, executable }

    /// A file that a layer stores again though only its owner or mode changed.
    public struct Rewrite: Sendable {
        /// The path in the image.
        public var path: String
        /// What the second copy costs.
        public var byteCount: Int64

        /// A rewritten file.
        public init(path: String, byteCount: Int64) {
            self.path = path
            self.byteCount = byteCount
        }
    }

    /// One layer of the result.
    public struct Layer: Sendable {
        /// The stage that made it.
        public var stage: Int
        /// The line of the instruction that made it.
        public var line: Int
        /// Files of earlier layers that it stores again.
        public var rewrites: [Rewrite]
        /// Files of package managers' lists and caches in it, with their sizes.
        public var leftovers: [Rewrite]

        /// A layer.
        public init(stage: Int, line: Int, rewrites: [Rewrite] = [], leftovers: [Rewrite] = []) {
            self.stage = stage
            self.line = line
            self.rewrites = rewrites
            self.leftovers = leftovers
        }
    }

    /// What is known about the base image of each stage, by stage index.
    public var bases: [Int: Base] = [:]
    /// The state of a path in a finished stage, or nil if unknown.
    public var file: @Sendable (_ stage: Int, _ path: String) -> FileState? = { _, _ in nil }
    /// The layers of the result.
    public var layers: [Layer] = []
    /// Directories and files at the top of the context that the build would send, with their sizes.
    public var contextEntries: [Rewrite] = []
    /// The context's `.dockerignore`, or nil if there is none or no context.
    public var ignoreRules: IgnoreRules?

    /// The names that hardly belong into an image: the entries of the context that are worth looking for.
    public static var unwantedEntries: [String] { Linter.unwanted.sorted() }

    /// Nothing is known.
    public init() {}
}
