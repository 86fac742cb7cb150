import Harness

/// The modes, owners and times of this machine's device nodes, and of the files that every container gets its own of,
/// at one moment: to compare with later and to go back to.
struct HostNodes: Sendable {
    private struct Node: Sendable, Equatable {
        let mode: String
        let owner: String
        /// Times of the last change of content and of attributes. Empty where ordinary use changes them.
        let times: [String]
    }

    private let nodes: [String: Node]

    /// The state now.
    init() throws {
        let listing = try Program.shell(
            """
            find /dev \(Self.names) -xdev '(' -type c -o -type b -o -path '/etc/*' ')' ! -path '/dev/pts/*' \\
                -exec stat -c '%n %a %u:%g %.Y %.Z' {} +
            """)
        var nodes: [String: Node] = [:]
        for line in listing.split(separator: "\n") {
            let words = line.split(separator: " ").map(String.init)
            guard words.count == 5 else { throw ProgramFailure(description: "stat printed '\(line)'") }
            nodes[words[0]] = Node(
                mode: words[1], owner: words[2], times: Self.steady.contains(words[0]) ? Array(words[3...]) : [])
        }
        self.nodes = nodes
    }

    /// Those that reading and writing does not touch.
    private static let steady: Set<String> = [
        "/dev/full", "/dev/null", "/dev/random", "/dev/urandom", "/dev/zero", "/etc/hosts", "/etc/resolv.conf",
        "/etc/hostname",
    ]
    private static let names = "$(ls /etc/hosts /etc/resolv.conf /etc/hostname 2>/dev/null)"

    /// The nodes that are not as they were.
    func changes() throws -> [String] {
        let now = try HostNodes().nodes
        return nodes.compactMap { name, node in
            // Devices come and go.
            guard let other = now[name], other != node else { return nil }
            return "\(name) was \(node), is \(other)"
        }.sorted()
    }

    /// Gives each changed node its mode, owner and time back.
    func restore() throws {
        let now = try HostNodes().nodes
        for (name, node) in nodes {
            guard let other = now[name], other != node else { continue }
            try Program.shell("chmod \(node.mode) '\(name)' && chown \(node.owner) '\(name)'")
            if let time = node.times.first { try Program.shell("touch -d @\(time) '\(name)'") }
        }
    }
}
