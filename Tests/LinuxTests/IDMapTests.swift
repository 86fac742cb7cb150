import Linux
import Testing

/// The IDs of a user namespace.
@Suite struct IDMapTests {
    private static let ranges = IDMap(
        users: Array("         0       1000          1\n         1     100000      65536\n".utf8),
        groups: Array("0 1000 1\n1 200000 100\n".utf8), isInitial: false)
    private static let single = IDMap(
        users: Array("0 1000 1\n".utf8), groups: Array("0 1000 1\n".utf8), setgroups: Array("deny\n".utf8),
        isInitial: false)

    @Test(
        "An ID exists if a line of the map contains it",
        arguments: [(0, true, true), (1, true, true), (100, true, true), (101, true, false), (65536, true, false)]
            + [(65537, false, false), (UInt32.max, false, false)])
    func ranges(number: UInt32, user: Bool, group: Bool) {
        #expect(Self.ranges.hasUser(number) == user)
        #expect(Self.ranges.hasGroup(number) == group)
    }

    @Test("A shifted map stores IDs above its shift, and those outside of it as root")
    func shifted() {
        let map = IDMap.shifted(to: 1000, count: 10)
        #expect([0, 9, 10].map { map.stored($0) } == [1000, 1009, 1000])
        #expect([1000, 1009, 1010, 999, 0].map { map.restored($0) } == [0, 9, 0, 0, 0])
        #expect(map.isInitial && !map.keepsOwners && IDMap.initial.keepsOwners)
        #expect(IDMap.initial.stored(.max) == .max && IDMap.initial.restored(7) == 7)
        let same = IDMap(users: Array("0 1000 10".utf8), groups: Array("0 1000 10".utf8), isInitial: false)
        #expect(map.name != same.name)
    }

    @Test("A map of one ID is single, and can deny a change of groups")
    func single() {
        #expect(Self.single.isSingle && !Self.single.allowsGroups && !Self.single.hasUser(1))
        #expect(!Self.ranges.isSingle && Self.ranges.allowsGroups)
    }

    @Test("Maps with equal IDs have equal names, other maps have other names")
    func name() {
        #expect(Self.single.name != Self.ranges.name)
        #expect(
            Self.single.name
                == IDMap(users: Array("0 1000 1".utf8), groups: Array("0 1000 1".utf8), isInitial: false).name)
        // A range of users must not count as a range of groups.
        let swapped = IDMap(users: Array("0 1 1\n1 2 3\n".utf8), groups: Array("0 4 1\n".utf8), isInitial: false)
        let other = IDMap(users: Array("0 1 1\n".utf8), groups: Array("1 2 3\n0 4 1\n".utf8), isInitial: false)
        #expect(swapped.name != other.name)
    }

    @Test(
        "A malformed map has no ID", arguments: ["", "0 1", "a b c\n", "0 1 -5\n", "99999999999999999999 1 1\n"])
    func malformed(text: String) {
        let map = IDMap(users: Array(text.utf8), groups: Array(text.utf8), isInitial: false)
        #expect(!map.hasUser(0) && !map.hasGroup(0) && !map.isSingle)
    }

    @Test("The current map has this process's user")
    func current() throws {
        #expect(try IDMap.current().hasUser(0))
        #expect(IDMap.initial.isInitial && IDMap.initial.hasUser(UInt32.max - 1))
    }
}
