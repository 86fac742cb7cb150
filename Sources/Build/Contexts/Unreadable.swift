internal import Linux
internal import OCI
internal import SystemPackage

/// Runs `body`, which reads a file of the context; a permission error names that file.
func reading<T>(_ path: ImagePath, _ body: () throws -> T) throws -> T {
    do {
        return try body()
    } catch let error as SystemError {
        throw error.about(path)
    }
}

extension SystemError {
    /// Converts an error of reading a file of the context; a permission error names that file.
    func about(_ path: ImagePath) -> any Error {
        errno == .permissionDenied || errno == .notPermitted ? BuildError.unreadable(path, reason: errno) : self
    }
}
