// The CPU affinity of a child.

internal import CLinux

extension SetupScript {
    /// Sets the affinity of these limits, if any.
    mutating func limitCPUs(_ cpus: CPULimits) {
        guard let mask = cpus.affinity?.mask else { return }
        add(clinux_step_affinity, operation: "set the CPU affinity", mode: UInt32(mask.count), list: mask)
    }
}
