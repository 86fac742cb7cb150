// Reading and writing through a descriptor.

internal import Glibc
internal import SystemPackage

extension OwnedDescriptor {
    /// Reads the available bytes, up to the size of `buffer`.
    ///
    /// - Returns: The number of bytes; 0 at the end of the file.
    public func read(into buffer: UnsafeMutableRawBufferPointer) throws(SystemError) -> Int {
        try system("read") { unsafe Glibc.read(rawValue, buffer.baseAddress, buffer.count) }
    }

    /// Reads from `offset`; the file's own position doesn't change.
    public func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int64) throws(SystemError) -> Int {
        try system("read") { unsafe pread(rawValue, buffer.baseAddress, buffer.count, Int(offset)) }
    }

    /// Reads up to `count` bytes; returns an empty array at the end of the file.
    public func read(_ count: Int) throws(SystemError) -> [UInt8] {
        unsafe try bytes(count) { (buffer) throws(SystemError) in unsafe try read(into: buffer) }
    }

    /// Reads up to `count` bytes from `offset`.
    public func read(_ count: Int, at offset: Int64) throws(SystemError) -> [UInt8] {
        unsafe try bytes(count) { (buffer) throws(SystemError) in unsafe try read(into: buffer, at: offset) }
    }

    /// Reads to the end of the file.
    ///
    /// - Throws: ``SystemError`` with EFBIG if there are more than `limit` bytes.
    public func readAll(limit: Int) throws(SystemError) -> [UInt8] {
        var result: [UInt8] = []
        while true {
            let chunk = try read(min(1 << 16, limit - result.count + 1))
            if chunk.isEmpty { return result }
            result += chunk
            if result.count > limit { throw SystemError("read", nil, .fileTooLarge) }
        }
    }

    /// Writes every byte of `bytes`.
    public func write(_ bytes: RawSpan) throws(SystemError) {
        var done = 0
        while done < bytes.byteCount {
            let rest = bytes.extracting(droppingFirst: done)
            done += try system("write") {
                unsafe rest.withUnsafeBytes { unsafe Glibc.write(rawValue, $0.baseAddress, $0.count) }
            }
        }
    }

    /// Writes every byte of `bytes`.
    public func write(_ bytes: [UInt8]) throws(SystemError) {
        try unsafe write(bytes.span.bytes)
    }

    /// Writes every byte of `bytes` at `offset`.
    public func write(_ bytes: RawSpan, at offset: Int64) throws(SystemError) {
        var done = 0
        while done < bytes.byteCount {
            let rest = bytes.extracting(droppingFirst: done)
            done += try system("write") {
                unsafe rest.withUnsafeBytes { unsafe pwrite(rawValue, $0.baseAddress, $0.count, Int(offset) + done) }
            }
        }
    }

    /// Writes content and metadata to the disk (fsync).
    public func sync() throws(SystemError) {
        try system("sync") { fsync(rawValue) }
    }

    /// Writes content to the disk, and only the metadata needed to read it (fdatasync).
    public func syncData() throws(SystemError) {
        try system("sync") { fdatasync(rawValue) }
    }

    /// Truncates or extends the file to `byteCount` bytes.
    public func truncate(to byteCount: Int64) throws(SystemError) {
        try system("truncate") { ftruncate(rawValue, Int(byteCount)) }
    }

    /// The file's size in bytes.
    public func size() throws(SystemError) -> Int64 {
        try status().size
    }

    private func bytes(
        _ count: Int, _ body: (UnsafeMutableRawBufferPointer) throws(SystemError) -> Int
    ) throws(SystemError) -> [UInt8] {
        var failure: SystemError?
        let result = unsafe [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
            do throws(SystemError) {
                initialized = try unsafe body(UnsafeMutableRawBufferPointer(buffer))
            } catch {
                failure = error
            }
        }
        if let failure { throw failure }
        return result
    }
}
