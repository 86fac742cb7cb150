internal import Sandbox

/// The network of one RUN: what it asked for, or none if this machine can't give that.
///
/// The host's network is given only where the command line allowed it. In a mode of isolation without namespaces the
/// network is that of the surrounding container, which is a case of its own here.
struct RunNetwork: Sendable {
    /// The network that the step asked for.
    let wanted: BuildRequest.Network
    /// The reason why it gets none instead.
    private(set) var obstacle: NetworkObstacle?

    init(_ wanted: BuildRequest.Network, obstacle: NetworkObstacle? = Sandbox.Network.isolationObstacle) {
        self.wanted = wanted
        self.obstacle = wanted == .default ? obstacle : nil
    }

    /// The network of the container.
    var network: Sandbox.Network {
        switch wanted {
        case .none: .none
        case .host: .host
        case .default: obstacle == nil ? .isolated : .none
        }
    }

    /// A sentence for people if the step gets less than it asked for.
    var note: String? { obstacle.map(Self.note) }

    static func note(_ obstacle: NetworkObstacle) -> String { "RUN has no network: \(obstacle); \(remedy(obstacle))" }

    static func remedy(_ obstacle: NetworkObstacle) -> String {
        "\(obstacle.remedy), or allow this machine's network by --network=host"
    }

    /// Starts `command` on this network, and on none if its own can't be made.
    ///
    /// - Parameter note: takes the sentence for people.
    mutating func start<T>(
        _ command: Command, note: (String) -> Void, _ body: (Command) async throws -> T
    ) async throws -> T {
        if let text = self.note { note(text) }
        do {
            return try await body(given(to: command))
        } catch SandboxError.network(let message) where obstacle == nil {
            let failure = NetworkObstacle.failed(message)
            obstacle = failure
            note(Self.note(failure))
            return try await body(given(to: command))
        }
    }

    private func given(to command: Command) -> Command {
        var command = command
        command.network = network
        if obstacle != nil { command.capabilities.remove(.rawNetwork) }
        return command
    }
}
