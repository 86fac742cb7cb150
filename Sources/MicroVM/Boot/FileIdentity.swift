public import Linux

extension FileStatus {
    /// A name for results about a file that no other file has, and not this one once it has changed.
    public var identity: String {
        let times = [modified, changed].map { "\($0.seconds).\($0.nanoseconds)" }
        return (["\(device)", "\(inode)", "\(size)"] + times).joined(separator: "-")
    }
}
