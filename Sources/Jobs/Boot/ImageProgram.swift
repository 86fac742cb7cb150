internal import Build
internal import Linux
internal import OCI
internal import Sandbox
internal import Slim
internal import Synchronization
internal import SystemPackage

extension Engines {
    private static let outputLimit = 256 << 20
    private static let programTimeout = Duration.seconds(300)

    /// Runs a program of an image in a container without network, and returns its stdout; nothing of the image changes.
    func output(of cure: CureCommand, in image: Image) async throws -> [UInt8] {
        try await inWorkArea { snapshots, area in
            let ids = try Users.separate.storedIDs(on: area)
            let layers = try await snapshots.stored(with: ids).directories(of: image)
            for part in ["upper", "work"] { _ = try Directory.make(area.appending(part)) }
            try Directory(area).setOwner(of: "upper", uid: ids.stored(0), gid: ids.stored(0))
            let overlay = Overlay(
                lowers: layers, upper: area.appending("upper"), work: area.appending("work"), isShifted: ids.shift > 0)
            var command = Command(cure.arguments, environment: cure.environment)
            command.network = .none
            command.attachments = [
                Attachment(
                    .content(cure.input, mode: 0o644, uid: 0, gid: 0), at: FilePath(CureCommand.inputPath),
                    isReadOnly: true)
            ]
            let output = ProgramOutput(limit: Self.outputLimit)
            let status = try await Self.limited(Container(overlay), command, output)
            guard status.isSuccess, let bytes = output.bytes else {
                throw Failure("\(cure.arguments.first ?? "the program") in the image \(status)")
            }
            return bytes
        }
    }

    /// Runs a command, which is killed after the time limit.
    private static func limited(
        _ container: Container, _ command: Command, _ output: ProgramOutput
    ) async throws -> ExitStatus {
        try await withThrowingTaskGroup(of: ExitStatus?.self) { group in
            group.addTask { try await container.run(command) { if $0 == .output { output.append($1) } } }
            group.addTask {
                try await Task.sleep(for: programTimeout)
                return nil
            }
            defer { group.cancelAll() }
            guard let status = try await group.next() ?? nil else {
                throw Failure("a program of the image did not end within \(programTimeout.text)")
            }
            return status
        }
    }
}

/// The collected stdout of a program, up to a limit.
private final class ProgramOutput: Sendable {
    private let limit: Int
    private let state = Mutex<[UInt8]?>([])

    init(limit: Int) { self.limit = limit }

    /// The output; nil if it was too long.
    var bytes: [UInt8]? { state.withLock { $0 } }

    func append(_ span: RawSpan) {
        let copy = unsafe span.withUnsafeBytes { unsafe Array($0) }
        state.withLock { bytes in
            guard let count = bytes?.count else { return }
            if count + copy.count > limit { bytes = nil } else { bytes? += copy }
        }
    }
}
