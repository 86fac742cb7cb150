/// The identity of the entrypoint: the image's user string, resolved with the image's own files as in Docker.
struct ImageUser: Equatable {
    var user: UInt32 = 0
    var group: UInt32 = 0
    var supplementary: [UInt32] = []
    var home: [UInt8] = [UInt8(ascii: "/")]

    /// Parses `user[:group]`, each a name or a number; `nil` if a name is in no file.
    ///
    /// A number needs no entry, but uses its entry's group and home if there is one. Supplementary groups are those
    /// that list the user's name; they are used only if the string has no group.
    init?(_ text: [UInt8], passwd: [UInt8], groups: [UInt8]) {
        let parts = text.split(separator: UInt8(ascii: ":"), maxSplits: 1, omittingEmptySubsequences: false)
        let wanted = parts[0].isEmpty ? [UInt8(ascii: "0")] : Array(parts[0])
        var name: [UInt8] = []
        if let entry = AccountFile(passwd).entry(wanted, numberAt: 2), entry.count >= 4, let id = number(entry[2]) {
            user = id
            group = number(entry[3]) ?? 0
            name = entry[0]
            if entry.count > 5, !entry[5].isEmpty { home = entry[5] }
        } else if let id = number(wanted) {
            user = id
        } else {
            return nil
        }
        guard parts.count < 2 || parts[1].isEmpty else {
            guard let id = AccountFile(groups).group(Array(parts[1])) else { return nil }
            group = id
            return
        }
        supplementary = name.isEmpty ? [] : AccountFile(groups).groups(listing: name)
    }
}

/// The fields of each line, separated by colons.
private struct AccountFile {
    let lines: [[[UInt8]]]

    init(_ text: [UInt8]) {
        lines = text.split(separator: UInt8(ascii: "\n")).map { line in
            line.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false).map { Array($0) }
        }
    }

    /// Returns the line with that name, else the first line with that number.
    func entry(_ wanted: [UInt8], numberAt index: Int) -> [[UInt8]]? {
        if let named = lines.first(where: { $0[0] == wanted }) { return named }
        guard let id = number(wanted) else { return nil }
        return lines.first { $0.count > index && number($0[index]) == id }
    }

    func group(_ wanted: [UInt8]) -> UInt32? {
        guard let entry = entry(wanted, numberAt: 2), entry.count > 2 else { return number(wanted) }
        return number(entry[2]) ?? number(wanted)
    }

    func groups(listing member: [UInt8]) -> [UInt32] {
        lines.compactMap { line in
            guard line.count > 3, line[3].split(separator: UInt8(ascii: ",")).contains(where: { Array($0) == member })
            else { return nil }
            return number(line[2])
        }
    }
}

/// Parses decimal digits as an ID; `nil` for anything else and for an invalid ID.
func number(_ digits: [UInt8]) -> UInt32? {
    guard !digits.isEmpty, digits.count <= 10 else { return nil }
    var value: UInt64 = 0
    for digit in digits {
        guard digit >= UInt8(ascii: "0"), digit <= UInt8(ascii: "9") else { return nil }
        value = value * 10 + UInt64(digit - UInt8(ascii: "0"))
    }
    return value < UInt64(UInt32.max) ? UInt32(value) : nil
}
