internal import Linux

/// The owner of files: the value of `--chown=`, or USER for a WORKDIR.
///
/// `u`, `u:g` or `:g`, each a number or a name of the stage's `/etc/passwd` or `/etc/group`. A number alone is also the
/// group; a name alone has its primary group.
struct Ownership: Sendable, Equatable {
    /// A number or a name.
    enum OwnerPart: Sendable, Equatable {
        case number(UInt32)
        case name(String)
    }

    let user: OwnerPart
    let group: OwnerPart?

    /// Parses an owner.
    ///
    /// - Throws: ``BuildError/badOwner(_:reason:)`` for a number that can't be an ID.
    init(_ text: String) throws(BuildError) {
        let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        user = try Self.part(parts[0], of: text) ?? .number(0)
        group = try parts.count > 1 ? Self.part(parts[1], of: text) : nil
    }

    private static func part(_ word: Substring, of text: String) throws(BuildError) -> OwnerPart? {
        guard word.drop(while: { $0 == "-" || $0 == "+" }).utf8.allSatisfy({ (0x30...0x39).contains($0) }) else {
            return .name(String(word))
        }
        if word.isEmpty { return nil }
        // chown(2) reserves the highest number for "unchanged".
        guard let number = UInt32(word), number < .max else {
            throw .badOwner(
                text, reason: "\(word) is not a user or group ID from 0 to \(UInt32.max - 1)")
        }
        return .number(number)
    }

    /// True if there is a name to look up.
    var hasNames: Bool {
        if case .name = user { return true }
        if case .name? = group { return true }
        return false
    }

    /// Returns the IDs from the stage's files, and the names that these files don't have.
    ///
    /// An unknown name gets root's ID, as in BuildKit, although its manual describes a failed build.
    func numbers(in accounts: Accounts) -> (uid: UInt32, gid: UInt32, unknown: [String]) {
        var unknown: [String] = []
        var (uid, gid): (UInt32, UInt32) = (0, 0)
        switch user {
        case .number(let number): (uid, gid) = (number, number)
        case .name(let name):
            // A row without a usable ID is like none.
            if let row = try? accounts.user(named: Array(name.utf8)) {
                (uid, gid) = (row.uid, row.gid)
            } else {
                unknown.append(name)
            }
        }
        switch group {
        case nil: break
        case .number(let number): gid = number
        case .name(let name):
            if let id = try? accounts.gid(ofGroup: Array(name.utf8)) {
                gid = id
            } else {
                unknown.append(name)
            }
        }
        return (uid, gid, unknown)
    }
}
