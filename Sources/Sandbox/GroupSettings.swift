// The files of a control group that set a command's limits, in cgroup v1 and v2.

internal import SystemPackage

/// One file of a control group, and the value to write to it.
struct GroupSetting: Sendable, Hashable {
    enum SettingValue: Sendable, Hashable {
        case text(String)
        /// The value of the group above: a new cpuset of v1 is empty and takes no process.
        case inherited
    }

    /// A failed write after which the limit still holds.
    enum Exception: Sendable, Hashable {
        case none
        /// The kernel doesn't account swap: the file doesn't exist (ENOENT).
        case missingFile
        /// A group above has a lower limit (EINVAL).
        case lowerAbove
    }

    let file: FilePath
    let value: SettingValue
    var exception = Exception.none

    init(_ file: FilePath, _ value: String, unless exception: Exception = .none) {
        (self.file, self.value, self.exception) = (file, .text(value), exception)
    }

    init(inheriting file: FilePath) {
        (self.file, value) = (file, .inherited)
    }
}

extension Command {
    /// The controllers that enforce its limits.
    var controllers: [Controller] {
        var result: [Controller] = []
        if processLimit != nil { result.append(.processes) }
        if memoryLimit != nil { result.append(.memory) }
        if cpus.quota != nil || cpus.shares != nil { result.append(.cpuTime) }
        if cpus.set != nil || cpus.memoryNodes != nil { result.append(.cpuSet) }
        return result
    }

    /// Returns the settings for one controller.
    func settings(_ controller: Controller, isUnified: Bool) -> [GroupSetting] {
        switch controller {
        case .processes: processLimit.map { [GroupSetting("pids.max", "\($0)")] } ?? []
        case .memory: memoryLimit.map { isUnified ? unifiedMemory($0) : memory($0) } ?? []
        case .cpuTime: isUnified ? unifiedCPUTime : cpuTime
        case .cpuSet: cpuSet(isUnified: isUnified)
        }
    }

    private func memory(_ limit: Int64) -> [GroupSetting] {
        let total: String? =
            switch swapLimit {
            case nil: "\(limit)"
            case .unlimited: nil
            case .total(let total): "\(total)"
            }
        let swap = total.map { [GroupSetting("memory.memsw.limit_in_bytes", $0, unless: swapException)] } ?? []
        return [GroupSetting("memory.limit_in_bytes", "\(limit)")] + swap
    }

    private func unifiedMemory(_ limit: Int64) -> [GroupSetting] {
        let swap =
            switch swapLimit {
            case nil: "0"
            case .unlimited: "max"
            case .total(let total): "\(max(total - limit, 0))"
            }
        return [
            GroupSetting("memory.max", "\(limit)"), GroupSetting("memory.swap.max", swap, unless: swapException),
        ]
    }

    /// A swap limit set by the user must hold; the default one may be skipped.
    private var swapException: GroupSetting.Exception { swapLimit == nil ? .missingFile : .none }

    private var cpuTime: [GroupSetting] {
        let quota = cpus.quota.map {
            [
                GroupSetting("cpu.cfs_period_us", "\(cpus.period)"),
                GroupSetting("cpu.cfs_quota_us", "\($0)", unless: .lowerAbove),
            ]
        }
        return (quota ?? []) + (cpus.shares.map { [GroupSetting("cpu.shares", "\($0)")] } ?? [])
    }

    private var unifiedCPUTime: [GroupSetting] {
        let quota = cpus.quota.map { [GroupSetting("cpu.max", "\($0) \(cpus.period)")] } ?? []
        let weight = cpus.shares.map { [GroupSetting("cpu.weight", "\(CPULimits.weight(shares: $0))")] }
        return quota + (weight ?? [])
    }

    private func cpuSet(isUnified: Bool) -> [GroupSetting] {
        [("cpuset.cpus", cpus.set), ("cpuset.mems", cpus.memoryNodes)].compactMap { file, set -> GroupSetting? in
            if let set { return GroupSetting(FilePath(file), "\(set)") }
            return isUnified ? nil : GroupSetting(inheriting: FilePath(file))
        }
    }
}
