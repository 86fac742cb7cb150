internal import OCI

/// A line of the history that one of two images has.
public struct HistoryChange: Sendable, Equatable {
    /// True if the second image has it, false for the first.
    public let isAdded: Bool
    /// The instruction in one line.
    public let command: String

    /// The changes between two histories, and the number of common lines with other times or comments.
    static func all(_ old: [History], _ new: [History]) -> (changes: [HistoryChange], otherTimes: Int) {
        let pairs = Alignment.common(old.count, new.count) { i, j in
            old[i].createdBy == new[j].createdBy && old[i].isEmptyLayer == new[j].isEmptyLayer
        }
        let changes = Alignment.merged(pairs, left: old.count, right: new.count).compactMap { row -> HistoryChange? in
            switch (row.left, row.right) {
            case (let line?, nil): HistoryChange(isAdded: false, command: command(old[line]))
            case (nil, let line?): HistoryChange(isAdded: true, command: command(new[line]))
            default: nil
            }
        }
        return (changes, pairs.count { old[$0.left] != new[$0.right] })
    }

    private static func command(_ line: History) -> String { shortCommand(SecretText.redacted(line.createdBy ?? "")) }
}
