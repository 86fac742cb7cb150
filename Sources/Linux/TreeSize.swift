internal import SystemPackage

extension Directory {
    /// Returns the total size in bytes of all regular files below, without following links.
    ///
    /// A file with two names counts twice. Files that are removed meanwhile don't count.
    public func totalSize() throws(SystemError) -> Int64 {
        var (total, waiting) = (Int64(0), [FilePath("")])
        while let path = waiting.popLast() {
            guard let directory = try existing({ () throws(SystemError) in try path.isEmpty ? self : directory(path) })
            else { continue }
            for entry in try directory.entries() {
                let name = FilePath(bytes: entry.name)
                guard let status = try existing({ () throws(SystemError) in try directory.status(of: name) }) else {
                    continue
                }
                switch status.type {
                case .directory: waiting.append(path.appending(name.components))
                case .regular: total += status.size
                default: break
                }
            }
        }
        return total
    }

    private func existing<R>(_ body: () throws(SystemError) -> R) throws(SystemError) -> R? {
        do throws(SystemError) {
            return try body()
        } catch {
            guard error.errno == .noSuchFileOrDirectory else { throw error }
            return nil
        }
    }
}
