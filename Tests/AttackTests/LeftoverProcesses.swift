import Glibc
import Harness

/// The processes of a test, found by a unique word of their command lines.
struct LeftoverProcesses: Sendable {
    let key: String

    /// Returns their PIDs on this machine, without zombies.
    func processes() throws -> [Int32] {
        // The bracket excludes the search itself.
        let script = """
            found=$(grep -lsa '[\(key.prefix(1))]\(key.dropFirst())' /proc/[0-9]*/cmdline | cut -d / -f 3)
            for process in $found; do
                grep -qs '^State:.[^ZX]' /proc/$process/status && echo $process
            done
            true
            """
        return try Program.shell(script).split(separator: "\n").compactMap { Int32($0) }
    }

    /// Waits until there are that many, as long as the program that starts them runs.
    func appear(_ count: Int, from program: Program) throws {
        for _ in 0..<600 where program.isRunning {
            if try processes().count >= count { return }
            usleep(20_000)
        }
        throw ProgramFailure(description: "there are \(try processes().count) processes with '\(key)', not \(count)")
    }

    /// Returns the processes that remain after one second, and kills them, so that a failure leaves none.
    func remaining() throws -> [String] {
        for _ in 0..<20 {
            if try processes().isEmpty { return [] }
            usleep(50_000)
        }
        return try processes().map { process in
            let state = try Program.shell("grep -E '^(Name|State|Uid)' /proc/\(process)/status 2>/dev/null || true")
            _ = kill(process, SIGKILL)
            return state.split(separator: "\n").joined(separator: ", ")
        }
    }

    /// Returns their descriptors and programs that are one of these files of the host.
    func handles(on files: [String]) throws -> [String] {
        let known = try Set(files.map { try Program.shell("stat -c '%d:%i' '\($0)'") })
        return try processes().flatMap { process in
            try Program.shell("stat -L -c '%d:%i %n' /proc/\(process)/exe /proc/\(process)/fd/* 2>/dev/null || true")
                .split(separator: "\n").filter { line in known.contains { line.hasPrefix("\($0) ") } }.map(String.init)
        }
    }
}
