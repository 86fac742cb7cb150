import SystemPackage
import Testing

@testable import MicroVM

@Suite struct TrialGuestTests {
    @Test("A device that is not KVM is reported with its path or its API version")
    func reasons() {
        #expect(TrialGuest.unavailableReason(device: "/nowhere/kvm") == "this machine has no /nowhere/kvm")
        #expect(TrialGuest.unavailableReason(device: "/dev/null")?.contains("lacks API version 12") == true)
    }

    /// A software KVM exceeds the first budget, and stays within the second: only processor time counts.
    @Test(
        "A guest's limit is processor time, not wall-clock time",
        .enabled(if: ThisMachine.hasKVM, "there is no /dev/kvm that this user may open"))
    func budget() throws {
        #expect(try TrialGuest.finishes(KVM(), within: 0) == false)
        #expect(try TrialGuest.finishes(KVM(), within: 60_000_000_000))
    }
}
