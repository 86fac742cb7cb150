internal import Analysis
internal import Linux
internal import OCI
public import Project

/// A platform that an image is checked for.
public struct PlatformCheck: Sendable {
    let profile: PlatformProfile
    /// The size of the machine; nil for the platform's default.
    let instance: PlatformProfile.Instance?

    /// Makes a check of a profile for the instance type of an option, else for that of the wrangler file's container.
    ///
    /// - Parameters:
    ///   - profile: The name of a built-in profile, or a file.
    ///   - instance: The value of `--instance-type`.
    public init(profile name: String, instance: String?, wrangler: WranglerFile.FoundFile?) throws {
        let profile = try PlatformProfile.read(name)
        let container = wrangler?.file.containers.first
        self.profile = profile
        if let instance {
            self.instance = try profile.instance(named: instance, in: "--instance-type")
        } else {
            self.instance = try container.flatMap { try profile.instance(of: $0, in: wrangler?.name ?? "") }
        }
    }

    /// The project with the memory of the instance, and without secrets unless it allows some.
    func completed(_ project: ProjectFile) -> ProjectFile {
        var project = project
        project.budget.secrets = project.budget.secrets ?? 0
        project.boot.memory = project.boot.memory ?? instance?.memory
        return project
    }
}

/// The rules of a platform for the facts of an image.
struct ProfileRules {
    let check: PlatformCheck
    let facts: BudgetFacts

    private var config: ImageConfig { facts.image.config }

    /// All rules, in the order of reports.
    var all: [GateRule] { [platform, disk, port, loopback, volume] }

    private var platform: GateRule {
        let (found, wanted) = ("\(config.platform)", check.profile.platform)
        return rule("platform", found == wanted ? [] : [""], "\(found); \(check.profile.name) runs \(wanted)")
    }

    private var disk: GateRule {
        let bytes = facts.layers.reduce(Int64(0)) { $0 &+ $1.size }
        let need = check.profile.disk(unpacked: bytes, layers: facts.layers.count)
        let limit = check.instance?.disk ?? check.profile.size.disk
        let name = check.instance.map { "instance type \($0.name)" } ?? "without an instance type"
        let largest = facts.layers.sorted { $0.size > $1.size }.prefix(3).map {
            GateRule.Cause("\(ByteCount($0.size))", "layer \($0.index) (\($0.command.prefix(60)))", layer: $0.index)
        }
        return GateRule(
            "disk", .bytes, limit: Double(limit.bytes), measured: Double(need.bytes), causes: largest,
            summary: "needs \(need) of \(limit) (\(name))")
    }

    private var port: GateRule {
        let hasPort = !config.exposedPorts.isEmpty
        return rule(
            "port", hasPort ? [] : ["add EXPOSE with the port of the Worker's defaultPort"],
            hasPort
                ? config.exposedPorts.sorted().joined(separator: ", ") : "the image has no EXPOSE")
    }

    /// Arguments and variables that name the loopback address, on which the platform can't reach the program.
    private var loopback: GateRule {
        let words = config.arguments.filter(Self.namesLoopback)
        let variables = config.environment.filter { variable in
            let parts = variable.split(separator: "=", maxSplits: 1)
            return parts.count == 2 && Self.isListenName(parts[0]) && Self.namesLoopback(String(parts[1]))
        }
        let found = words.map { "argument '\($0)'" } + variables.map { "ENV \($0)" }
        return rule(
            "loopback", found,
            found.isEmpty ? "no argument or variable names it" : "the program seems to listen on loopback; use 0.0.0.0")
    }

    private static func isListenName(_ name: Substring) -> Bool {
        let words = name.uppercased().split(separator: "_")
        return words.contains { ["HOST", "HOSTNAME", "BIND", "LISTEN", "ADDR", "ADDRESS"].contains($0) }
    }

    /// True for `127.0.0.1`, `localhost:8080`, `--host=127.0.0.1` and the like, but for no URL of another server.
    static func namesLoopback(_ text: String) -> Bool {
        guard !text.contains("://") else { return false }
        let value = text.split(separator: "=").last.map(String.init) ?? ""
        return ["127.0.0.1", "localhost", "[::1]", "::1"].contains { value == $0 || value.hasPrefix($0 + ":") }
    }

    private var volume: GateRule {
        let volumes = config.volumes.sorted()
        return rule(
            "volume", volumes,
            volumes.isEmpty ? "none" : "VOLUME has no meaning there; what is written to it is lost at each stop")
    }

    /// Makes a rule that allows no cause.
    private func rule(_ name: String, _ causes: [String], _ summary: String) -> GateRule {
        GateRule(
            name, .count, limit: 0, measured: Double(causes.count),
            causes: causes.filter { !$0.isEmpty }.map { GateRule.Cause("", $0) }, summary: summary)
    }
}
