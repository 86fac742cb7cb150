// The kernel's count of processes that it killed in a control group because memory ran out.

internal import Linux
internal import SystemPackage

/// Reads the out-of-memory kills of a control group.
enum MemoryEvents {
    /// True if the OOM killer killed a process of the group in this directory.
    static func hasKills(in group: borrowing Directory) -> Bool {
        let files: [FilePath] = ["memory.events", "memory.oom_control"]
        for file in files {
            // A group without this controller doesn't have the file.
            guard let text = try? group.open(file).readAll(limit: 1 << 16) else { continue }
            if let count = kills(in: String(decoding: text, as: UTF8.self)) { return count > 0 }
        }
        return false
    }

    /// Returns N of the line `oom_kill N` of memory.events (v2) or memory.oom_control (v1, since Linux 4.13).
    static func kills(in text: String) -> UInt64? {
        let lines = text.split(separator: "\n").map { $0.split(separator: " ") }
        return lines.first { $0.count == 2 && $0[0] == "oom_kill" }.flatMap { UInt64($0[1]) }
    }
}
