internal import Linux
internal import OCI
internal import SystemPackage

/// Does what reads a file of the context; a refusal names that file.
func reading<T>(_ path: ImagePath, _ body: () throws -> T) throws -> T {
    do {
        return try body()
    } catch let error as SystemError {
        throw error.about(path)
    }
}

extension SystemError {
    /// The error of reading a file of the context: a refusal names that file.
    func about(_ path: ImagePath) -> any Error {
        errno == .permissionDenied || errno == .notPermitted ? BuildError.unreadable(path, reason: errno) : self
    }
}
