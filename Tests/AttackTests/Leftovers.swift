import Glibc
import Harness

/// The processes of a test, found by a word of their command lines that no other process has.
struct Leftovers: Sendable {
    let key: String

    /// Their numbers on this machine, without those that only wait for their parent.
    func processes() throws -> [Int32] {
        // The bracket keeps the search itself out.
        let script = """
            found=$(grep -lsa '[\(key.prefix(1))]\(key.dropFirst())' /proc/[0-9]*/cmdline | cut -d / -f 3)
            for process in $found; do
                grep -qs '^State:.[^ZX]' /proc/$process/status && echo $process
            done
            true
            """
        return try Program.shell(script).split(separator: "\n").compactMap { Int32($0) }
    }

    /// Waits until there are so many, while a program lives that starts them.
    func appear(_ count: Int, from program: Program) throws {
        for _ in 0..<600 where program.isRunning {
            if try processes().count >= count { return }
            usleep(20_000)
        }
        throw ProgramFailure(description: "there are \(try processes().count) processes with '\(key)', not \(count)")
    }

    /// Those that are still there a second later; they are ended then, so that a failure leaves nothing.
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

    /// Descriptors and programs of theirs that are one of these files of the host.
    func handles(on files: [String]) throws -> [String] {
        let known = try Set(files.map { try Program.shell("stat -c '%d:%i' '\($0)'") })
        return try processes().flatMap { process in
            try Program.shell("stat -L -c '%d:%i %n' /proc/\(process)/exe /proc/\(process)/fd/* 2>/dev/null || true")
                .split(separator: "\n").filter { line in known.contains { line.hasPrefix("\($0) ") } }.map(String.init)
        }
    }
}
