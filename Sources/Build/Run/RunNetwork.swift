internal import Sandbox

/// The network of one RUN: the requested one, or none if this machine can't provide it.
///
/// The host's network is given only if the command line allowed it. Without namespaces the network is that of the
/// surrounding container, which is handled elsewhere.
struct RunNetwork: Sendable {
    /// The network that the step requested.
    let wanted: BuildRequest.RunNetwork
    /// The reason for which it gets no network.
    private(set) var unavailable: NetworkUnavailable?

    init(_ wanted: BuildRequest.RunNetwork, unavailable: NetworkUnavailable? = Sandbox.Network.isolationUnavailable) {
        self.wanted = wanted
        self.unavailable = wanted == .default ? unavailable : nil
    }

    /// The network of the container.
    var network: Sandbox.Network {
        switch wanted {
        case .none: .none
        case .host: .host
        case .default: unavailable == nil ? .isolated : .none
        }
    }

    /// A message if the step gets no network although it requested one.
    var note: String? { unavailable.map(Self.note) }

    static func note(_ unavailable: NetworkUnavailable) -> String {
        "RUN has no network: \(unavailable); \(remedy(unavailable))"
    }

    static func remedy(_ unavailable: NetworkUnavailable) -> String {
        "\(unavailable.remedy), or allow this machine's network by --network=host"
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
        } catch SandboxError.network(let message) where unavailable == nil {
            let failure = NetworkUnavailable.failed(message)
            unavailable = failure
            note(Self.note(failure))
            return try await body(given(to: command))
        }
    }

    private func given(to command: Command) -> Command {
        var command = command
        command.network = network
        if unavailable != nil { command.capabilities.remove(.rawNetwork) }
        return command
    }
}
