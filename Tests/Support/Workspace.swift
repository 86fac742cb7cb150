internal import Glibc
internal import Linux
public import OCI
public import SystemPackage

/// A temporary directory that is removed with the test, and a store in it.
public final class Workspace: Sendable {
    public let path: FilePath
    public let store: Store

    /// Makes the directory and the store.
    public init() throws {
        path = FilePath("/tmp/thaw-test-\(getpid())-\(UInt64.random(in: 0 ... .max))")
        _ = try Directory.make(path)
        store = try Store(at: path.appending("store"))
    }

    deinit {
        // The parent has nothing else of ours; a leftover is the system's to clean.
        try? Directory("/tmp").removeTree(FilePath(path.lastComponent?.string ?? ""))
    }

    /// Writes a file below the directory, and makes its parents.
    @discardableResult
    public func write(_ name: String, _ text: String, mode: UInt32 = 0o644) throws -> FilePath {
        let root = try Directory(path)
        let file = FilePath(name)
        if !file.removingLastComponent().isEmpty { try root.makeDirectories(file.removingLastComponent()) }
        try root.replace(file, with: Array(text.utf8), mode: mode)
        try root.setMode(of: file, mode)
        return path.appending(file.components)
    }

    /// Stores a layer of these entries and contents.
    public func layer(
        _ entries: [(LayerEntry, [UInt8])], compression: OCI.Compression = .gzip
    ) throws -> Layer {
        let writer = try LayerWriter(into: store, compression: compression)
        for (entry, content) in entries {
            try writer.add(entry)
            try writer.write(content[...])
        }
        return try writer.finish()
    }

    /// Makes an image of these layers.
    public func image(_ layers: [[(LayerEntry, [UInt8])]], compression: OCI.Compression = .gzip) throws -> Image {
        try layers.reduce(Image.scratch(.host, in: store)) { image, entries in
            image.appending(
                try layer(entries, compression: compression), history: History(created: nil, createdBy: "test"))
        }
    }
}

/// Makes a file's entry and content.
public func file(_ path: String, _ content: [UInt8], mode: UInt16 = 0o644) throws -> (LayerEntry, [UInt8]) {
    (LayerEntry(try ImagePath(path), .add(.file(size: Int64(content.count))), FileMetadata(mode: mode)), content)
}

/// Makes a text file's entry and content.
public func file(_ path: String, _ text: String, mode: UInt16 = 0o644) throws -> (LayerEntry, [UInt8]) {
    try file(path, Array(text.utf8), mode: mode)
}

/// Makes a directory's entry.
public func directory(_ path: String, mode: UInt16 = 0o755) throws -> (LayerEntry, [UInt8]) {
    (LayerEntry(try ImagePath(path), .add(.directory), FileMetadata(mode: mode)), [])
}

/// Makes a symbolic link's entry.
public func symlink(_ path: String, _ target: String) throws -> (LayerEntry, [UInt8]) {
    (LayerEntry(try ImagePath(path), .add(.symlink(target: Array(target.utf8))), FileMetadata(mode: 0o777)), [])
}

/// Makes a hard link's entry.
public func hardLink(_ path: String, _ target: String) throws -> (LayerEntry, [UInt8]) {
    (LayerEntry(try ImagePath(path), .link(to: try ImagePath(target))), [])
}

/// Makes a whiteout's entry.
public func whiteout(_ path: String) throws -> (LayerEntry, [UInt8]) { (LayerEntry(try ImagePath(path), .remove), []) }
