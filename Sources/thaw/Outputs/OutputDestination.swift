import Glibc
import Linux
import OCI
import SystemPackage

/// The target of a stream of bytes.
enum OutputDestination {
    /// A regular file, which may not exist yet; it is written under another name and renamed when it is whole.
    case file(FilePath)
    /// A pipe or a device, written directly.
    case stream(FilePath)
    case standardOutput

    /// Finds the destination that `text` names; `-` is stdout.
    ///
    /// - Throws: A usage failure for a directory, and for a stdout that is a terminal.
    init(_ text: String) throws {
        let path = FilePath(text)
        if text == "-" {
            guard !Terminal.isStdoutTerminal else {
                throw Failure(
                    "cannot write an archive to a terminal", remedy: "redirect stdout, or name a file", status: .usage)
            }
            self = .standardOutput
            return
        }
        var status = stat()
        guard unsafe stat(text, &status) == 0, let type = FileType(mode: status.st_mode) else {
            self = .file(path)
            return
        }
        switch type {
        case .directory: throw Failure("'\(text)' is a directory", status: .usage)
        case .regular: self = .file(path)
        default: self = .stream(path)
        }
    }

    /// Opens the destination and lets `body` write to it.
    func write(_ body: (any ByteSink) throws -> Void) throws {
        func fill(_ file: consuming OwnedDescriptor) throws {
            let sink = FileSink(file)
            try body(sink)
            try sink.flush()
        }
        switch self {
        case .file(let path):
            guard let name = path.lastComponent else { throw Failure("'\(path)' names no file", status: .usage) }
            let parent = path.removingLastComponent()
            let directory = try Directory(parent.isEmpty ? FilePath(".") : parent)
            try directory.replace(FilePath(name.string)) { try fill($0.duplicate()) }
        case .stream(let path): try fill(OwnedDescriptor(path, .write))
        case .standardOutput: try fill(Terminal.descriptorForArchives())
        }
    }
}

/// Writes a regular file whole or not at all, and a pipe or device directly.
func replaceFile(_ path: String, with bytes: [UInt8]) throws {
    try OutputDestination(path == "-" ? "./-" : path).write { try $0.write(bytes) }
}
