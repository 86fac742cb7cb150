import Testing

@testable import Linux

@Suite struct IdentityTests {
    private func map(_ users: String, _ groups: String, setgroups: String = "allow\n") -> IDMap {
        IDMap(users: Array(users.utf8), groups: Array(groups.utf8), setgroups: Array(setgroups.utf8), isInitial: false)
    }

    @Test(
        "A confined program gets an existing ID other than root's",
        arguments: [
            ("0 0 4294967295\n", SpareUser.preferred), ("0 1000 1\n1 100000 65536\n", 65_536),
            ("1 100000 65536\n0 1000 1\n", 65_536), ("0 1000 3\n", 2),
        ])
    func numbers(users: String, number: UInt32) {
        let spare = SpareUser.spare(in: map(users, users))
        #expect(spare == SpareUser(user: number, group: number, emptiesGroups: true))
    }

    @Test("There is no spare identity if root is the only user or group")
    func single() {
        #expect(SpareUser.spare(in: map("0 1000 1\n", "0 1000 1\n", setgroups: "deny\n")) == nil)
        #expect(SpareUser.spare(in: map("0 1000 5\n", "0 1000 1\n")) == nil)
    }

    @Test("A namespace that denies setgroups keeps the groups")
    func groups() {
        let spare = SpareUser.spare(in: map("0 0 10\n", "0 0 10\n", setgroups: "deny\n"))
        #expect(spare?.emptiesGroups == false)
    }
}
