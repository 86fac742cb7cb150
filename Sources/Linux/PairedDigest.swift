internal import CLinux

/// The SHA-256 of a stream and of a part of it, computed in one pass by the CPU's SHA instructions.
///
/// The layer of a COPY needs the digest of its tar and of each file in it. Two digests in one pass cost little more than
/// one.
public struct PairedDigest: Sendable {
    private var stream = clinux_sha256()
    private var part = clinux_sha256()
    private var isInPart = false

    /// Starts with no bytes; nil if this CPU lacks the instructions.
    public init?() {
        guard clinux_sha256_works() == 1 else { return nil }
        unsafe clinux_sha256_start(&stream)
    }

    /// Starts a part with the next bytes.
    public mutating func startPart() {
        unsafe clinux_sha256_start(&part)
        isInPart = true
    }

    /// Ends the part and returns the 32 bytes of its digest.
    public mutating func endPart() -> [UInt8] {
        isInPart = false
        return Self.bytes(of: part)
    }

    /// Adds bytes to the stream, and to the part if there is one.
    public mutating func add(_ bytes: ArraySlice<UInt8>) {
        unsafe bytes.withUnsafeBytes { buffer in
            if isInPart {
                unsafe clinux_sha256_add(&stream, &part, buffer.baseAddress, buffer.count)
            } else {
                unsafe clinux_sha256_add(&stream, nil, buffer.baseAddress, buffer.count)
            }
        }
    }

    /// The 32 bytes of the stream's digest so far.
    public var bytes: [UInt8] { Self.bytes(of: stream) }

    private static func bytes(of digest: clinux_sha256) -> [UInt8] {
        unsafe withUnsafePointer(to: digest) { digest in
            unsafe [UInt8](unsafeUninitializedCapacity: 32) { buffer, count in
                unsafe clinux_sha256_end(digest, buffer.baseAddress)
                count = 32
            }
        }
    }
}
