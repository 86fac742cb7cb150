/// A value with its place in the file.
public struct Located<Value: Sendable>: Sendable {
    public let value: Value
    /// The position of the instruction's keyword.
    public let position: Position
    /// The first and last physical line, heredocs included.
    public let lines: ClosedRange<Int>
    /// The instruction with its continuation lines joined, without heredoc bodies.
    public let text: String
    /// The comment lines directly above, without `#`.
    public let comments: [String]

    /// Returns the text of a comment `# NAME text` above a stage or argument called `name`.
    public func documentation(of name: String) -> String? {
        guard !name.isEmpty else { return nil }
        let line = comments.first { $0.utf8.starts(with: "\(name) ".utf8) }
        return line.map { $0.utf8.dropFirst(name.utf8.count + 1).text }
    }
}

/// One instruction of a stage; its values are checked, but not yet expanded.
public enum Instruction: Sendable {
    case arg(Arg)
    case env(Env)
    case label(Label)
    case run(Run)
    case cmd(CommandLine)
    case entrypoint(CommandLine)
    case shell(Shell)
    case workdir(Workdir)
    case user(UserAndGroup)
    case copy(Copy)
    case add(Add)
    case volume(Volume)
    case expose(Expose)
    case stopSignal(StopSignal)
    case healthcheck(Healthcheck)
    case onBuild(OnBuild)
    case maintainer(Maintainer)

    /// The keyword in capitals.
    public var keyword: String {
        switch self {
        case .arg: "ARG"
        case .env: "ENV"
        case .label: "LABEL"
        case .run: "RUN"
        case .cmd: "CMD"
        case .entrypoint: "ENTRYPOINT"
        case .shell: "SHELL"
        case .workdir: "WORKDIR"
        case .user: "USER"
        case .copy: "COPY"
        case .add: "ADD"
        case .volume: "VOLUME"
        case .expose: "EXPOSE"
        case .stopSignal: "STOPSIGNAL"
        case .healthcheck: "HEALTHCHECK"
        case .onBuild: "ONBUILD"
        case .maintainer: "MAINTAINER"
        }
    }
}

/// A command in one of its two forms.
public enum CommandLine: Hashable, Sendable {
    /// Text for the stage's SHELL.
    case shell(String)
    /// The words of the process.
    case exec([String])

    /// Returns the words of the process if `shell` is the stage's SHELL.
    public func words(shell: [String]) -> [String] {
        switch self {
        case .shell(let text): shell + [text]
        case .exec(let words): words
        }
    }
}

extension Instruction {
    /// `ARG name[=default] ...`.
    public struct Arg: Sendable {
        /// One name of an ARG line.
        public struct Declaration: Hashable, Sendable {
            /// The name, not yet expanded.
            public let name: Word
            /// The text after `=`, or nil without one.
            public let defaultValue: Word?
        }

        /// The declarations of the line, in order.
        public let declarations: [Declaration]
    }

    /// A key with a value of ENV or LABEL.
    public struct Pair: Hashable, Sendable {
        /// The key, not yet expanded.
        public let key: Word
        /// The value, not yet expanded.
        public let value: Word
        /// `KEY rest of the line`, the form without `=`.
        public let isLegacy: Bool
    }

    /// `ENV key=value ...`.
    public struct Env: Sendable {
        /// The pairs in order.
        public let pairs: [Pair]
    }

    /// `LABEL key=value ...`.
    public struct Label: Sendable {
        /// The pairs in order.
        public let pairs: [Pair]
    }

    /// `RUN [flags] command`.
    public struct Run: Sendable {
        /// The command to run, with its heredocs applied.
        public enum Body: Hashable, Sendable {
            /// Text for the stage's SHELL; heredocs that the shell must read are part of it.
            case shell(String)
            /// The words of the process.
            case exec([String])
            /// A heredoc that starts with `#!`: a file to put read-only at `/dev/pipes/NAME`, and to run by the SHELL.
            case script(name: String, contents: String)

            /// Returns the words of the process if `shell` is the stage's SHELL.
            public func words(shell: [String]) -> [String] {
                switch self {
                case .shell(let text): shell + [text]
                case .exec(let words): words
                case .script(let name, _): shell + ["/dev/pipes/\(name)"]
                }
            }
        }

        /// The network of the process.
        public enum NetworkMode: String, Sendable, CaseIterable { case `default`, none, host }
        /// The privileges of the process.
        public enum Security: String, Sendable, CaseIterable { case sandbox, insecure }

        /// The command on the line itself.
        public let command: CommandLine
        /// The command to run.
        public let body: Body
        /// The heredocs below the line.
        public let heredocs: [Heredoc]
        /// The `--mount=` flags; ``Scope/mount(_:)`` expands one.
        public let mounts: [MountFlag]
        /// `--network=`, or nil for the build's.
        public let network: NetworkMode?
        /// `--security=`, or nil for the sandbox.
        public let security: Security?
        /// The `--device=` values.
        public let devices: [Word]
    }

    /// `SHELL ["program", "argument"]`.
    public struct Shell: Sendable {
        /// The words that a shell-form command is appended to.
        public let words: [String]
    }

    /// `WORKDIR path`.
    public struct Workdir: Sendable {
        /// The path, not yet expanded.
        public let path: Word
    }

    /// `USER user[:group]`.
    public struct UserAndGroup: Sendable {
        /// The name, not yet expanded.
        public let user: Word
    }

    /// The common part of COPY and ADD.
    public struct Transfer: Sendable {
        /// Paths, patterns or URLs, in order.
        public let sources: [Word]
        /// The heredocs that are source files, in order.
        public let heredocs: [Heredoc]
        /// The destination path.
        public let destination: Word
        /// `--chown=`.
        public let chown: Word?
        /// `--chmod=`.
        public let chmod: Word?
        /// `--link`.
        public let link: Bool
        /// `--parents`.
        public let parents: Bool
        /// `--exclude=` patterns, never expanded.
        public let exclude: [Word]
    }

    /// `COPY [flags] sources destination`.
    public struct Copy: Sendable {
        public let transfer: Transfer
        /// `--from=`, never expanded.
        public let from: Word?
    }

    /// `ADD [flags] sources destination`.
    public struct Add: Sendable {
        public let transfer: Transfer
        /// `--checksum=`.
        public let checksum: Word?
        /// `--unpack=`: nil means local archives only.
        public let unpack: Bool?
        /// `--keep-git-dir`.
        public let keepGitDir: Bool
    }

    /// `VOLUME paths`.
    public struct Volume: Sendable {
        /// The paths, not yet expanded.
        public let paths: [Word]
    }

    /// `EXPOSE ports`.
    public struct Expose: Sendable {
        /// The ports as written, sorted by their text; ``Scope/ports(_:)`` expands them.
        public let ports: [Word]
    }

    /// `STOPSIGNAL signal`.
    public struct StopSignal: Sendable {
        /// The signal, not yet expanded.
        public let signal: Word
    }

    /// `HEALTHCHECK NONE` or `HEALTHCHECK [flags] CMD command`.
    public struct Healthcheck: Hashable, Sendable {
        /// The probe, or nil for NONE.
        public let command: CommandLine?
        /// `--interval=`, in nanoseconds; 0 means the engine's default, as in all of these.
        public let interval: Int64
        /// `--timeout=`, in nanoseconds.
        public let timeout: Int64
        /// `--start-period=`, in nanoseconds.
        public let startPeriod: Int64
        /// `--start-interval=`, in nanoseconds.
        public let startInterval: Int64
        /// `--retries=`.
        public let retries: Int

        /// The `Test` list of the image config.
        public var test: [String] {
            switch command {
            case nil: ["NONE"]
            case .shell(let text): ["CMD-SHELL", text]
            case .exec(let words): ["CMD"] + words
            }
        }
    }

    /// `ONBUILD instruction`.
    public struct OnBuild: Sendable {
        /// The text in the image config; heredoc bodies are part of it.
        public let trigger: String
        /// The parsed trigger, or nil if it is wrong; BuildKit reports that only when a child image is built.
        public var instruction: Instruction? { box.instruction }
        /// The error with which the trigger fails in every child image, or nil.
        public let problem: Diagnostic?

        private final class Box: Sendable {
            let instruction: Instruction?
            init(_ instruction: Instruction?) { self.instruction = instruction }
        }
        private let box: Box

        init(trigger: String, instruction: Instruction?, problem: Diagnostic?) {
            self.trigger = trigger
            self.problem = problem
            box = Box(instruction)
        }
    }

    /// `MAINTAINER name`.
    public struct Maintainer: Sendable {
        /// The author, never expanded.
        public let name: String
    }
}
