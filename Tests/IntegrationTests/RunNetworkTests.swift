import Harness
import Testing

/// The network of RUN, as steps of one build see it.
@Suite("RUN's network", .enabled(if: Program.exists("pasta"), "pasta is not installed; 'make deps' installs it"))
struct RunNetworkTests {
    @Test("Consecutive steps share a network; a privileged step has one of its own")
    func reuse() throws {
        let bench = try Workbench.withBusybox()
        let look = "ls -l /proc/self/ns/net | sed 's/.*-> //'"
        try bench.build(
            """
            FROM busybox
            RUN \(look) >/tmp/1
            RUN \(look) >/tmp/2
            RUN --security=insecure \(look) >/tmp/3
            RUN \(look) >/tmp/4; ip route | grep -c ^default >/tmp/routes
            RUN cat /tmp/? /tmp/routes >/all
            """, "--allow", "security.insecure")
        let image = try Inspection("app", in: bench)
        let lines = try image.content(of: "all", inLayer: image.listings().count - 1)
            .split(separator: "\n").map(String.init)
        try #require(lines.count == 5)
        #expect(lines[0] == lines[1])
        #expect(lines[2] != lines[1], "the user namespace of a privileged step owns another network")
        #expect(lines[3] != lines[2], "a privileged step's network ends with it")
        #expect(try lines[0] != Program.shell("readlink /proc/self/ns/net"))
        #expect(lines[4] == "1")
    }
}
