import Linux
import Testing

/// Which numbers a user namespace has.
@Suite struct IDMapTests {
    private static let ranges = IDMap(
        users: Array("         0       1000          1\n         1     100000      65536\n".utf8),
        groups: Array("0 1000 1\n1 200000 100\n".utf8), isInitial: false)
    private static let single = IDMap(
        users: Array("0 1000 1\n".utf8), groups: Array("0 1000 1\n".utf8), setgroups: Array("deny\n".utf8),
        isInitial: false)

    @Test(
        "A number exists where a line of the map has it",
        arguments: [(0, true, true), (1, true, true), (100, true, true), (101, true, false), (65536, true, false)]
            + [(65537, false, false), (UInt32.max, false, false)])
    func ranges(number: UInt32, user: Bool, group: Bool) {
        #expect(Self.ranges.hasUser(number) == user)
        #expect(Self.ranges.hasGroup(number) == group)
    }

    @Test("A map of one number is single, and its groups stay as they are")
    func single() {
        #expect(Self.single.isSingle && !Self.single.allowsGroups && !Self.single.hasUser(1))
        #expect(!Self.ranges.isSingle && Self.ranges.allowsGroups)
    }

    @Test("Other numbers give a map another name, the same numbers the same")
    func name() {
        #expect(Self.single.name != Self.ranges.name)
        #expect(
            Self.single.name
                == IDMap(users: Array("0 1000 1".utf8), groups: Array("0 1000 1".utf8), isInitial: false).name)
        // What is a user in one and a group in the other is not the same.
        let swapped = IDMap(users: Array("0 1 1\n1 2 3\n".utf8), groups: Array("0 4 1\n".utf8), isInitial: false)
        let other = IDMap(users: Array("0 1 1\n".utf8), groups: Array("1 2 3\n0 4 1\n".utf8), isInitial: false)
        #expect(swapped.name != other.name)
    }

    @Test(
        "What is no map has no number", arguments: ["", "0 1", "a b c\n", "0 1 -5\n", "99999999999999999999 1 1\n"])
    func malformed(text: String) {
        let map = IDMap(users: Array(text.utf8), groups: Array(text.utf8), isInitial: false)
        #expect(!map.hasUser(0) && !map.hasGroup(0) && !map.isSingle)
    }

    @Test("This process's own map has its user")
    func current() throws {
        #expect(try IDMap.current().hasUser(0))
        #expect(IDMap.initial.isInitial && IDMap.initial.hasUser(UInt32.max - 1))
    }
}
