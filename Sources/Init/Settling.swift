import CInit

extension Supervisor {
    private static let lookInterval: UInt64 = 500_000_000
    /// A program that never becomes quiet runs on for this many quiet times.
    private static let patience: UInt64 = 12

    /// Lets the program run on until it opens no new file, or starts no new program, for the quiet time.
    ///
    /// In a container the host observes the files, so only the programs count.
    mutating func settle() {
        let quiet = UInt64(spec.quietMilliseconds) * 1_000_000
        let start = cinit_monotonic()
        let least = start &+ UInt64(spec.continueMilliseconds) * 1_000_000
        let limit = max(start &+ quiet &* Supervisor.patience, least)
        var (last, seen) = (start, activity())
        while exitStatus == nil {
            let time = cinit_monotonic()
            let end = min(max(last &+ quiet, least), limit)
            guard time < end else { break }
            wait(until: min(end, time &+ Supervisor.lookInterval))
            let now = activity()
            if now != seen { (last, seen) = (cinit_monotonic(), now) }
        }
        child.drain(to: channel)
    }

    /// A number that changes with a new file or a new program.
    private func activity() -> Int {
        if let observer { return observer.fileCount }
        return livingProcesses().reduce(0) { sum, name in name.reduce(sum &* 31) { $0 &* 31 &+ Int($1) } }
    }

    /// Returns the names of the image's processes, each once and sorted; the kernel's own have no command line.
    func livingProcesses() -> [[UInt8]] {
        guard let load = contents(of: bytes("/proc/loadavg"), limit: 256),
            let word = load.split(separator: UInt8(ascii: " ")).last, let last = firstNumber(Array(word))
        else { return [] }
        var names: [[UInt8]] = []
        for process in 2...max(2, min(last, 65_536)) {
            let place = bytes("/proc/") + decimal(process)
            guard let line = contents(of: place + bytes("/cmdline"), limit: 16), !line.isEmpty,
                let table = contents(of: place + bytes("/stat"), limit: 4_096), let stat = ThreadStat(table)
            else { continue }
            let name = Array(stat.name.prefix(16))
            if !names.contains(name), names.count < ProbeEvent.processLimit { names.append(name) }
        }
        return names.sorted { $0.lexicographicallyPrecedes($1) }
    }
}
