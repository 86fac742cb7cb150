public import ImageFiles

/// A change of an image that makes its start faster or smaller, and that leaves its results the same.
///
/// Each cure is one file in this directory. It proposes an edit for an image, with its reason; the caller proves the
/// edited image, counts its start, and keeps it or not.
public protocol Cure: Sendable {
    /// The name for `--cures`.
    var name: String { get }
    /// The change and its benefit, in a line.
    var summary: String { get }

    /// Returns the edit of an image; nil if the cure doesn't apply to it.
    func proposal(for subject: CureSubject) async throws -> CureProposal?
}

/// All cures, in the order in which they are tried.
public enum Cures {
    /// The cures: first those that change the start, then those that only change the size.
    public static let all: [any Cure] = [ExecForm(), PythonBytecodeCure(), DebugSections()]
}

/// An image to cure, with the facts about its start.
public struct CureSubject: Sendable {
    /// Runs a program of the image in a container without network, and returns its stdout.
    public typealias Run = @Sendable (CureCommand) async throws -> [UInt8]

    /// The files of the image.
    public let files: ImageFiles
    /// The paths that the program opened until it was quiet.
    public let openedFiles: [[UInt8]]
    /// The runner of the image's programs.
    public let run: Run

    /// Makes a subject.
    public init(_ files: ImageFiles, openedFiles: [[UInt8]], run: @escaping Run) {
        self.files = files
        self.openedFiles = openedFiles
        self.run = run
    }
}

/// A command with a program of the image, whose output makes a part of the cure.
public struct CureCommand: Sendable, Equatable {
    /// The program's path and its arguments.
    public let arguments: [String]
    /// The whole environment.
    public let environment: [String]
    /// The content of ``inputPath`` in the container.
    public let input: [UInt8]

    /// The place of the input in the container.
    public static let inputPath = "/.thaw-input"
}

/// The edit of an image that a cure proposes.
public struct CureProposal: Sendable {
    /// The measured figure that has to fall.
    public enum Goal: String, Sendable {
        /// The work and waiting until the first request.
        case work
        /// The compressed size, while the work stays the same.
        case size
    }

    /// The facts of the image for which the edit is proposed, as the end of a sentence after "because".
    public let reason: String
    /// The predicted effect.
    public let prediction: String
    /// The figure that has to fall.
    public let goal: Goal
    /// The edit.
    public let edit: ImageEdit
    /// The names of processes that the edit makes needless.
    public var endedProcesses: Set<String> = []
}
