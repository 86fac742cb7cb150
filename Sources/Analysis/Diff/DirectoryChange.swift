public import OCI

/// The change of the bytes below a directory.
public struct DirectoryChange: Sendable, Equatable {
    public let path: ImagePath
    /// The number of paths that differ below it.
    public internal(set) var files = 0
    /// The growth in bytes.
    public internal(set) var growth: Int64 = 0
    /// The sum of all growths and shrinkages.
    var moved: Int64 = 0

    /// Returns the directories that tell most about the place of the changes, the largest first, at most `count`.
    ///
    /// As with ``DirectorySize``, a directory with nearly all its changes in one directory below is left out.
    static func largest(_ count: Int, of files: [ImageDiff.ChangedPath]) -> [DirectoryChange] {
        var sums: [ImagePath: DirectoryChange] = [:]
        for file in files {
            let growth = (file.after?.inode.kind.size ?? 0) &- (file.before?.inode.kind.size ?? 0)
            var directory = file.path
            while !directory.isRoot {
                directory = directory.parent
                sums[directory, default: DirectoryChange(path: directory)].files += 1
                sums[directory, default: DirectoryChange(path: directory)].growth &+= growth
                sums[directory, default: DirectoryChange(path: directory)].moved &+= abs(growth)
            }
        }
        var largestBelow: [ImagePath: Int64] = [:]
        for change in sums.values where !change.path.isRoot {
            largestBelow[change.path.parent] = max(largestBelow[change.path.parent] ?? 0, change.moved)
        }
        let telling = sums.values.filter { change in
            !change.path.isRoot && change.moved > 0
                && change.moved - (largestBelow[change.path] ?? 0) > change.moved / 5
        }
        return Array(
            telling.sorted { ($1.growth.magnitude, $0.path) < ($0.growth.magnitude, $1.path) }.prefix(count))
    }
}
