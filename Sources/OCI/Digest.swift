import Crypto

/// A SHA-256, written `sha256:` and 64 lower-case hex digits (OCI image spec, descriptor, digests).
///
/// Other algorithms are refused: no registry in use serves them.
public struct Digest: Hashable, Sendable, Comparable, CustomStringConvertible {
    /// The 64 hex digits, without the algorithm.
    public let hex: String

    /// Parses `sha256:…`.
    public init(_ text: String) throws(OCIError) {
        let prefix = "sha256:"
        let digits = text.utf8.dropFirst(prefix.utf8.count)
        guard text.hasPrefix(prefix), digits.count == 64, digits.allSatisfy(Self.isHexDigit) else {
            throw .malformedDigest(text)
        }
        hex = String(text.dropFirst(prefix.count))
    }

    /// Computes the digest of `bytes`.
    public init(of bytes: [UInt8]) {
        var hasher = Hasher()
        hasher.update(bytes)
        self = hasher.finalize()
    }

    /// Reads 64 lower-case hex digits; nil for anything else.
    init?(hexBytes digits: some Collection<UInt8>) {
        guard digits.count == 64, digits.allSatisfy(Self.isHexDigit) else { return nil }
        hex = String(decoding: digits, as: UTF8.self)
    }

    /// Makes a digest of its 32 bytes; nil for another number.
    public init?(bytes: [UInt8]) {
        guard bytes.count == 32 else { return nil }
        self.init(hashed: bytes)
    }

    fileprivate init(hashed bytes: some Sequence<UInt8>) {
        let digits = Array("0123456789abcdef".utf8)
        var text: [UInt8] = []
        text.reserveCapacity(64)
        for byte in bytes {
            text.append(digits[Int(byte >> 4)])
            text.append(digits[Int(byte & 15)])
        }
        hex = String(decoding: text, as: UTF8.self)
    }

    public var description: String { "sha256:\(hex)" }

    /// The first twelve hex digits, the usual short form.
    public var short: String { String(hex.prefix(12)) }

    public static func < (left: Digest, right: Digest) -> Bool { left.hex < right.hex }

    static func isHexDigit(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains(byte)
    }
}

extension Digest {
    /// A running SHA-256.
    public struct Hasher: Sendable {
        private var state = SHA256()

        /// Starts with no bytes.
        public init() {}

        /// Adds `bytes`.
        public mutating func update(_ bytes: some Collection<UInt8>) {
            let done: Void? = bytes.withContiguousStorageIfAvailable { buffer in
                unsafe state.update(bufferPointer: UnsafeRawBufferPointer(buffer))
            }
            if done == nil { state.update(data: Array(bytes)) }
        }

        /// Adds the UTF-8 of `text` and a NUL, so that two fields never run into each other.
        public mutating func update(field text: String) {
            update(Array(text.utf8))
            update([0])
        }

        /// Returns the digest of everything added so far.
        public func finalize() -> Digest {
            Digest(hashed: state.finalize())
        }
    }
}
