public import ArgumentParser
import Build
import Sandbox

/// What RUN may know, reach and use.
struct RunArguments: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "A secret for RUN --mount=type=secret: id=NAME,src=FILE or id=NAME,env=VARIABLE; may be repeated.",
            valueName: "secret"))
    var secret: [String] = []

    @Option(
        help: ArgumentHelp(
            "An SSH agent for RUN --mount=type=ssh: default, or ID=SOCKET; may be repeated.", valueName: "agent"))
    var ssh: [String] = []

    @Option(help: ArgumentHelp("Let RUN have network.host or security.insecure; may be repeated.", valueName: "what"))
    var allow: [BuildRequest.Entitlement] = []

    @Option(help: "What RUN reaches: default (a network of its own), none, host.")
    var network: BuildRequest.Network = .default

    @Option(help: ArgumentHelp("A line for /etc/hosts in RUN; may be repeated.", valueName: "name:address"))
    var addHost: [String] = []

    @Option(help: ArgumentHelp("A limit for RUN, such as nofile=1024:2048; may be repeated.", valueName: "limit"))
    var ulimit: [String] = []

    @Option(help: ArgumentHelp("How large /dev/shm may grow in RUN. (default: 64m)", valueName: "size"))
    var shmSize: String?

    @Option(help: ArgumentHelp("How many processes and threads RUN may have at once.", valueName: "count"))
    var pidsLimit = 32_768

    @Option(help: ArgumentHelp("How much memory RUN may use. (default: all)", valueName: "size"))
    var memory: String?

    /// Puts what was asked for into a request.
    func apply(to request: inout BuildRequest) throws {
        request.network = network
        request.entitlements = Set(allow)
        for text in secret {
            let (id, secret) = try Self.secret(text)
            request.secrets[id] = secret
        }
        for text in ssh {
            let (id, agent) = try Self.agent(text)
            request.agents[id] = agent
        }
        do {
            request.run.hosts = try addHost.map { try HostEntry(parsing: $0) }
            request.run.limits = try ulimit.map { try Limit(parsing: $0) }
        } catch {
            throw Failure("\(error)", status: .usage)
        }
        request.run.sharedMemorySize = try shmSize.map { Int(try size($0, "--shm-size")) }
        request.run.memoryLimit = try memory.map { try size($0, "--memory") }
        request.run.processLimit = pidsLimit > 0 ? pidsLimit : nil
    }

    /// `id=NAME[,src=FILE|,env=VARIABLE][,type=file|env]`; NAME alone is a variable of that name, else such a file.
    private static func secret(_ text: String) throws -> (String, Secret) {
        var fields: [String: String] = [:]
        for field in text.split(separator: ",") {
            let parts = field.split(separator: "=", maxSplits: 1).map(String.init)
            let known = ["id": "id", "src": "src", "source": "src", "env": "env", "type": "type"]
            guard parts.count == 2, let key = known[parts[0].lowercased()] else {
                throw Failure("--secret '\(text)': '\(field)' is not id=, src=, env= or type=", status: .usage)
            }
            fields[key] = parts[1]
        }
        guard let id = fields["id"] else { throw Failure("--secret '\(text)' has no id=", status: .usage) }
        if let variable = fields["env"] { return (id, .environment(variable)) }
        if let type = fields["type"], !["file", "env"].contains(type) {
            throw Failure("--secret '\(text)': type '\(type)' is not file or env", status: .usage)
        }
        if fields["type"] == "env" { return (id, .environment(fields["src"] ?? id)) }
        if fields["src"] == nil, fields["type"] == nil, Environment[id] != nil { return (id, .environment(id)) }
        return (id, .file(fields["src"] ?? id))
    }

    private static func agent(_ text: String) throws -> (String, Agent) {
        let parts = text.split(separator: "=", maxSplits: 1).map(String.init)
        let id = parts.first ?? "default"
        guard let socket = parts.count > 1 ? parts[1] : Environment["SSH_AUTH_SOCK"] else {
            throw Failure(
                "--ssh \(id): SSH_AUTH_SOCK is not set", remedy: "start an agent: eval $(ssh-agent); ssh-add",
                status: .usage)
        }
        return (id, Agent(socket: socket))
    }
}

extension BuildRequest.Entitlement: ExpressibleByArgument {}
extension BuildRequest.Network: ExpressibleByArgument {}

/// `64m`, `1.5g`, `65536`: a size in bytes.
func size(_ text: String, _ option: String) throws -> Int64 {
    let units: [Character: Double] = ["b": 1, "k": 1024, "m": 1_048_576, "g": 1_073_741_824, "t": 1_099_511_627_776]
    var digits = text.lowercased()[...]
    if digits.hasSuffix("ib") || digits.hasSuffix("b"), digits.count > 1 {
        digits = digits.dropLast(digits.hasSuffix("ib") ? 2 : 1)
    }
    let unit = digits.last.flatMap { units[$0] }
    if unit != nil { digits = digits.dropLast() }
    guard let number = Double(digits), number >= 0, let bytes = Int64(exactly: (number * (unit ?? 1)).rounded()) else {
        throw Failure("\(option) '\(text)' is not a size such as 64m or 2g", status: .usage)
    }
    return bytes
}
