internal import Linux
internal import OCI

extension ContextWalk {
    /// A note for each kind of special file in the context, which COPY doesn't read.
    var remarks: [String] {
        let kinds: [(FileType, String, String)] = [
            (.socket, "socket", "is copied as an empty file: an image can't hold sockets"),
            (.fifo, "FIFO", "is copied as a FIFO: nothing is read from it"),
            (.characterDevice, "character device", "is copied as a device: nothing is read from it"),
            (.blockDevice, "block device", "is copied as a device: nothing is read from it"),
        ]
        return kinds.compactMap { type, name, effect in
            let found = entries.filter { $0.status.type == type }
            let more = found.count > 1 ? " (and \(found.count - 1) more)" : ""
            return found.first.map { "the \(name) '\($0.path)'\(more) in the context \(effect)" }
        }
    }
}
