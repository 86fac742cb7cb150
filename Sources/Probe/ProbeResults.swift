internal import SystemPackage

/// The results of all probes of one run.
public struct ProbeResults: Equatable, Sendable {
    /// The results: of the probes, then of the commands, in order.
    public var results: [ProbeResult]
    /// The TCP ports with a listener afterwards, sorted.
    public var listeningPorts: [UInt16]
    /// The program's end if it came before the last probe.
    public var earlyExit: ProbeResult.ProcessEnd?
    /// The opened files.
    public var openedFiles: OpenedFiles
    /// The names of the living processes after the settle time, each once and sorted; nil if they are unknown.
    public var processes: [String]?
    /// The output of the program and of its children; the digests are unknown.
    public var output = StreamDigest()
    /// The errors of the program and of its children; the digests are unknown.
    public var errors = StreamDigest()

    /// Results.
    public init(
        results: [ProbeResult], listeningPorts: [UInt16] = [], earlyExit: ProbeResult.ProcessEnd? = nil,
        openedFiles: OpenedFiles = .notRecorded
    ) {
        self.results = results
        self.listeningPorts = listeningPorts
        self.earlyExit = earlyExit
        self.openedFiles = openedFiles
    }
}

/// The files of an image that were opened while it ran.
public enum OpenedFiles: Equatable, Sendable {
    /// No files were observed.
    case notRecorded
    /// Files can't be observed here, for a reason that ends a sentence.
    case unavailable(reason: String)
    /// The paths, sorted; incomplete if there were too many.
    case recorded([[UInt8]], isComplete: Bool)

    /// The recorded paths.
    public var paths: [[UInt8]] { if case .recorded(let paths, _) = self { paths } else { [] } }

    /// A warning that the opened files are not completely known; `nil` if they are.
    public var warning: String? {
        switch self {
        case .notRecorded, .recorded(_, isComplete: true): nil
        case .unavailable(let reason): "the files that the program opens are not observed: \(reason)"
        case .recorded(_, isComplete: false):
            "more files were opened than could be observed; add missing files with --include"
        }
    }
}

extension ProbeResult.ProcessEnd {
    /// The words after the process's name in a sentence.
    public var words: String {
        switch self {
        case .status(let status): "ended with status \(status)"
        case .signal(let signal): "was killed by signal \(signal)"
        }
    }
}

/// Describes an errno of the guest in words that fit a program or a file.
public func programFailureWords(errno code: UInt32) -> String {
    guard code > 0, let number = Int32(exactly: code) else { return "it does not exist" }
    return switch Errno(rawValue: number) {
    case .noSuchFileOrDirectory: "it or its interpreter does not exist"
    case .permissionDenied: "it is not executable for this user"
    case .execFormatError: "it is not a program for this machine"
    default: "\(Errno(rawValue: number))"
    }
}
