internal import Sandbox

/// The network of one RUN: the requested one, or none if this machine can't provide it.
///
/// The host's network is given only if the command line allowed it. Without namespaces the network is that of the
/// surrounding container, which is handled elsewhere.
struct RunNetwork: Sendable {
    /// The network that the step requested.
    let wanted: BuildRequest.Network
    /// The reason for which it gets no network.
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

    /// A message if the step gets no network although it requested one.
    var note: String? { obstacle.map(Self.note) }

    static func note(_ obstacle: NetworkObstacle) -> String { "RUN has no network: \(obstacle); \(remedy(obstacle))" }

    static func remedy(_ obstacle: NetworkObstacle) -> String {
        "\(obstacle.remedy), or allow this machine's network by --network=host"
    }

    /// Starts `command` on this network, and on none if its own can't be made.
    ///
    /// - Parameter note: Receives the message.
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
