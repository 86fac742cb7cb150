// The kernel's figures about threads, from /proc.

/// Returns the processor time of a thread in nanoseconds; nil if it has ended.
func processorTime(ofThread thread: UInt32) -> UInt64? {
    // "RUNNING WAITING SLICES": two times in nanoseconds, and a count.
    contents(of: procPath(thread, "/schedstat"), limit: 256).flatMap { firstNumber($0) }
}

/// Returns the usage of each thread of the image's control group.
func imageThreads() -> [Message.ThreadUsage] {
    guard let list = contents(of: bytes(SystemSetup.cgroup) + bytes("/cgroup.threads")) else { return [] }
    var threads: [Message.ThreadUsage] = []
    for line in list.split(separator: UInt8(ascii: "\n")) where threads.count < Message.ThreadUsage.limit {
        guard let thread = number(Array(line)), let used = processorTime(ofThread: thread),
            let table = contents(of: procPath(thread, "/stat"), limit: 4_096), let stat = ThreadStat(table)
        else { continue }
        let status = contents(of: procPath(thread, "/status"), limit: 8_192) ?? []
        let process = field(bytes("Tgid"), of: status).flatMap { firstNumber($0) } ?? UInt64(thread)
        threads.append(
            Message.ThreadUsage(
                thread: thread, process: UInt32(truncatingIfNeeded: process), started: stat.started,
                processorTime: used, majorFaults: stat.majorFaults, name: stat.name))
    }
    return threads
}

private func procPath(_ thread: UInt32, _ file: StaticString) -> [UInt8] {
    bytes("/proc/") + decimal(UInt64(thread)) + bytes(file)
}
