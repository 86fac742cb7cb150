import Harness

/// The modes, owners and times of this machine's device nodes, for comparison and restoration.
///
/// The files that every container gets a copy of are included.
struct HostNodes: Sendable {
    private struct Node: Sendable, Equatable {
        let mode: String
        let owner: String
        /// Times of the last change of content and of attributes; empty if ordinary use changes them.
        let times: [String]
    }

    private let nodes: [String: Node]

    /// Records the current state.
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

    /// The nodes whose times reading and writing doesn't change.
    private static let steady: Set<String> = [
        "/dev/full", "/dev/null", "/dev/random", "/dev/urandom", "/dev/zero", "/etc/hosts", "/etc/resolv.conf",
        "/etc/hostname",
    ]
    private static let names = "$(ls /etc/hosts /etc/resolv.conf /etc/hostname 2>/dev/null)"

    /// Returns the nodes that changed.
    func changes() throws -> [String] {
        let now = try HostNodes().nodes
        return nodes.compactMap { name, node in
            // Devices may be added or removed.
            guard let other = now[name], other != node else { return nil }
            return "\(name) was \(node), is \(other)"
        }.sorted()
    }

    /// Restores the mode, owner and time of each changed node.
    func restore() throws {
        let now = try HostNodes().nodes
        for (name, node) in nodes {
            guard let other = now[name], other != node else { continue }
            try Program.shell("chmod \(node.mode) '\(name)' && chown \(node.owner) '\(name)'")
            if let time = node.times.first { try Program.shell("touch -d @\(time) '\(name)'") }
        }
    }
}
