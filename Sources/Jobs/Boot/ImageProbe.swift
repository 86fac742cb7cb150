internal import Linux
internal import OCI
internal import Probe

/// The probe that an image's configuration suggests, with its source.
struct ImageProbe: Equatable {
    let action: ProbeAction
    /// The instruction that it comes from.
    let source: String

    /// Returns the command of HEALTHCHECK, else a connection to the lowest TCP port of EXPOSE; nil without both.
    init?(_ config: ImageConfig) {
        if let action = ImageProbe.healthcheck(config) {
            self.init(action: action, source: "HEALTHCHECK")
        } else if let port = ImageProbe.port(config) {
            self.init(action: .tcp(port: port), source: "EXPOSE")
        } else {
            return nil
        }
    }

    private init(action: ProbeAction, source: String) { (self.action, self.source) = (action, source) }

    /// Returns the command of HEALTHCHECK; nil if it is absent or NONE.
    static func healthcheck(_ config: ImageConfig) -> ProbeAction? {
        guard case .array(let values)? = config.healthcheck?["Test"] else { return nil }
        let words = values.compactMap { if case .string(let word) = $0 { word } else { nil } }
        return switch words.first {
        case "CMD" where words.count > 1: .exec(Array(words.dropFirst()))
        case "CMD-SHELL" where words.count == 2: .exec(["/bin/sh", "-c", words[1]])
        default: nil
        }
    }

    /// Returns the command of HEALTHCHECK if it is not among `actions`.
    static func missingHealthcheck(_ config: ImageConfig, among actions: [ProbeAction]) -> [ProbeAction] {
        guard let action = healthcheck(config), !actions.contains(where: { "\($0)" == "\(action)" }) else { return [] }
        return [action]
    }

    /// Returns the lowest TCP port of EXPOSE, each such as `8080` or `8080/tcp`.
    private static func port(_ config: ImageConfig) -> UInt16? {
        config.exposedPorts.compactMap { text -> UInt16? in
            let parts = text.split(separator: "/", maxSplits: 1)
            guard let port = parts.first.flatMap({ UInt16($0) }), port > 0 else { return nil }
            return parts.count == 1 || parts[1] == "tcp" ? port : nil
        }.min()
    }
}
