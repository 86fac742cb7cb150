import Glibc
import Harness
import Testing

/// The screen of a terminal while a command runs, as tmux shows it.
@Suite(.enabled(if: Program.exists("tmux"), "tmux is missing: apt-get install tmux")) struct ScreenTests {
    /// A tmux server with one window.
    private final class Screen {
        private let name = "thaw-\(UInt32.random(in: 0 ... .max))"

        init(columns: Int, rows: Int, _ script: String, in directory: String) throws {
            try Program.shell(
                "tmux -L \(name) -f /dev/null new-session -d -x \(columns) -y \(rows) \"\(script); exec sleep 600\"",
                in: directory)
        }

        deinit { _ = try? Program.shell("tmux -L \(name) kill-server") }

        var lines: [String] {
            get throws {
                try Program.shell("tmux -L \(name) capture-pane -p").split(separator: "\n").map(String.init)
            }
        }

        func resize(columns: Int) throws { try Program.shell("tmux -L \(name) resize-window -x \(columns)") }

        /// Waits until the screen fulfils a condition; fails after two minutes.
        func wait(for condition: ([String]) -> Bool) throws -> [String] {
            for _ in 0..<1200 {
                let lines = try lines
                if condition(lines) { return lines }
                usleep(100_000)
            }
            throw ProgramFailure(description: "the screen stays:\n\(try lines.joined(separator: "\n"))")
        }
    }

    @Test(
        "A build shows its running step with the time and its last line, which go when it ends",
        arguments: [80, 24, 20])
    func build(columns: Int) throws {
        let directory = try TestDirectory.withBusybox()
        try directory.write("context/Dockerfile", "FROM busybox\nRUN echo begin; sleep 5; echo end\n")
        let screen = try Screen(
            columns: columns, rows: 24, "\(Binary.path) --store \(directory.store) build -t app context; echo over",
            in: directory.path)
        let shown = try screen.wait { lines in lines.contains { $0.hasPrefix("[0:2] 1 s") || $0.hasPrefix("[0:2] 2 s") }
        }
        #expect(shown.contains { $0.hasPrefix("1 running") })
        #expect(shown.contains("    begin"))
        #expect(shown.allSatisfy { $0.count <= columns })
        let after = try screen.wait { $0.contains("over") }
        #expect(!after.contains { $0.contains("running") })
        #expect(after.contains { $0.hasPrefix("[0:2] end") })
    }

    @Test("A terminal that becomes narrower leaves no old live lines")
    func resize() throws {
        let directory = try TestDirectory.withBusybox()
        try directory.write(
            "context/Dockerfile", "FROM busybox\nRUN echo \(String(repeating: "x", count: 70)); sleep 6\n")
        let screen = try Screen(
            columns: 100, rows: 30, "\(Binary.path) --store \(directory.store) build -t app context; echo over",
            in: directory.path)
        _ = try screen.wait { lines in lines.contains { $0.hasPrefix("[0:2] 1 s") } }
        try screen.resize(columns: 30)
        let after = try screen.wait { $0.contains("over") }
        #expect(!after.contains { $0.contains("running") }, "\(after)")
    }

    @Test("A start shows its time while it runs, and then only the result")
    func phase() throws {
        let directory = try TestDirectory.withBusybox()
        try directory.build("FROM busybox\nEXPOSE 80\nCMD mkdir /w; sleep 2; exec httpd -f -h /w\n")
        let screen = try Screen(
            columns: 60, rows: 24,
            "\(Binary.path) --store \(directory.store) boot --engine container app; echo over", in: directory.path)
        _ = try screen.wait { lines in lines.contains { $0.hasPrefix("starting  1 s") } }
        let after = try screen.wait { $0.contains("over") }
        #expect(!after.contains { $0.hasPrefix("starting") }, "\(after)")
        #expect(after.contains { $0.hasPrefix("engine container") })
    }
}
