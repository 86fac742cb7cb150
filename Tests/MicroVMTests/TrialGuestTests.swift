import SystemPackage
import Testing

@testable import MicroVM

@Suite struct TrialGuestTests {
    @Test("A device that is no KVM is named with its path and its fault")
    func obstacles() {
        #expect(TrialGuest.obstacle(device: "/nowhere/kvm") == "this machine has no /nowhere/kvm")
        #expect(TrialGuest.obstacle(device: "/dev/null")?.contains("lacks version 12 of its interface") == true)
    }

    /// A budget that a software KVM exceeds, and one that it keeps: the judgement follows processor time alone.
    @Test(
        "A guest is judged by the processor time that it used, not by the time that passed",
        .enabled(if: ThisMachine.hasKVM, "there is no /dev/kvm that this user may open"))
    func budget() throws {
        #expect(try TrialGuest.finishes(KVM(), within: 0) == false)
        #expect(try TrialGuest.finishes(KVM(), within: 60_000_000_000))
    }
}
