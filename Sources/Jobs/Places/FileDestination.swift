internal import Glibc
internal import Linux
public import OCI
public import SystemPackage

/// The target of a stream of bytes below a path.
public enum FileDestination: Sendable {
    /// A regular file, which may not exist yet; it is written under another name and renamed when it is whole.
    case file(FilePath)
    /// A pipe or a device, written directly.
    case stream(FilePath)

    /// Finds the destination at the path; a directory is a usage failure.
    public init(_ path: FilePath) throws {
        var status = stat()
        guard unsafe stat(path.string, &status) == 0, let type = FileType(mode: status.st_mode) else {
            self = .file(path)
            return
        }
        switch type {
        case .directory: throw Failure("'\(path)' is a directory", status: .usage)
        case .regular: self = .file(path)
        default: self = .stream(path)
        }
    }

    /// Opens the destination and lets `body` write to it.
    public func write(_ body: (any ByteSink) throws -> Void) throws {
        switch self {
        case .file(let path):
            guard let name = path.lastComponent else { throw Failure("'\(path)' names no file", status: .usage) }
            let parent = path.removingLastComponent()
            let directory = try Directory(parent.isEmpty ? FilePath(".") : parent)
            try directory.replace(FilePath(name.string)) { try Self.fill($0.duplicate(), body) }
        case .stream(let path): try Self.fill(OwnedDescriptor(path, .write), body)
        }
    }

    private static func fill(
        _ file: consuming OwnedDescriptor, _ body: (any ByteSink) throws -> Void
    ) throws {
        let sink = FileSink(file)
        try body(sink)
        try sink.flush()
    }

    /// Expects that a file can be written to the path: its directory exists and is writable.
    ///
    /// - Parameter option: The option that names the path, for errors.
    public static func expectWritable(_ path: FilePath, for option: String) throws {
        guard case .file(let file) = try FileDestination(path) else { return }
        let parent = file.removingLastComponent()
        try expectDirectory(parent.isEmpty ? "." : parent.string, for: "\(option) '\(path)'")
    }

    /// Expects that files can be made in the directory.
    ///
    /// - Parameter what: The option and its value, for errors.
    public static func expectDirectory(_ directory: String, for what: String) throws {
        var status = stat()
        guard unsafe stat(directory, &status) == 0 else {
            throw Failure("\(what) cannot be written: '\(directory)': \(Errno(rawValue: errno))")
        }
        guard FileType(mode: status.st_mode) == .directory else {
            throw Failure("\(what) cannot be written: '\(directory)' is not a directory")
        }
        guard unsafe access(directory, W_OK | X_OK) == 0 else {
            throw Failure("\(what) cannot be written: '\(directory)': \(Errno(rawValue: errno))")
        }
    }
}

/// Writes a regular file whole or not at all, and a pipe or device directly.
public func replaceFile(_ path: String, with bytes: [UInt8]) throws {
    try FileDestination(FilePath(path)).write { try $0.write(bytes) }
}
