import SystemPackage
import Testing

@testable import MicroVM

@Suite struct TrialGuestTests {
    @Test("What is no KVM is said to be none, by its path")
    func obstacles() {
        #expect(TrialGuest.obstacle(device: "/nowhere/kvm") == "this machine has no /nowhere/kvm")
        #expect(TrialGuest.obstacle(device: "/dev/null")?.contains("lacks version 12 of its interface") == true)
    }
}
