import Crypto

/// A SHA-256, written `sha256:` and 64 lower-case hex digits (OCI image spec, descriptor, digests).
///
/// Other algorithms are refused: no registry in use serves them.
public struct Digest: Hashable, Sendable, Comparable, CustomStringConvertible {
    // The 32 bytes, the first ones highest: inline, since a large context or image has many digests.
    private let words: (UInt64, UInt64, UInt64, UInt64)

    /// Parses `sha256:…`.
    public init(_ text: String) throws(OCIError) {
        let prefix = "sha256:"
        let digits = text.utf8.dropFirst(prefix.utf8.count)
        guard text.hasPrefix(prefix), digits.count == 64, digits.allSatisfy(Self.isHexDigit) else {
            throw .malformedDigest(text)
        }
        words = Self.words(ofHex: digits)
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
        words = Self.words(ofHex: digits)
    }

    /// Makes a digest of its 32 bytes; nil for another number.
    public init?(bytes: some Collection<UInt8>) {
        guard bytes.count == 32 else { return nil }
        self.init(hashed: bytes)
    }

    fileprivate init(hashed bytes: some Sequence<UInt8>) {
        var (words, index) = ((UInt64(0), UInt64(0), UInt64(0), UInt64(0)), 0)
        for byte in bytes {
            switch index / 8 {
            case 0: words.0 = words.0 << 8 | UInt64(byte)
            case 1: words.1 = words.1 << 8 | UInt64(byte)
            case 2: words.2 = words.2 << 8 | UInt64(byte)
            default: words.3 = words.3 << 8 | UInt64(byte)
            }
            index += 1
        }
        self.words = words
    }

    /// Returns the words of 64 hex digits.
    private static func words(ofHex digits: some Collection<UInt8>) -> (UInt64, UInt64, UInt64, UInt64) {
        var (words, index) = ((UInt64(0), UInt64(0), UInt64(0), UInt64(0)), 0)
        for digit in digits {
            let value = UInt64(digit < 0x40 ? digit & 15 : (digit & 15) + 9)
            switch index / 16 {
            case 0: words.0 = words.0 << 4 | value
            case 1: words.1 = words.1 << 4 | value
            case 2: words.2 = words.2 << 4 | value
            default: words.3 = words.3 << 4 | value
            }
            index += 1
        }
        return words
    }

    /// The 64 hex digits, without the algorithm.
    public var hex: String {
        unsafe String(unsafeUninitializedCapacity: 64) { buffer in
            var index = 0
            for word in [words.0, words.1, words.2, words.3] {
                for shift in stride(from: 60, through: 0, by: -4) {
                    let digit = UInt8(truncatingIfNeeded: word >> UInt64(shift) & 15)
                    // The capacity is 64, and there are 4 times 16 digits.
                    unsafe buffer[index] = digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "a") + digit - 10
                    index += 1
                }
            }
            return 64
        }
    }

    /// Appends the 32 bytes.
    public func append(to bytes: inout [UInt8]) {
        for word in [words.0, words.1, words.2, words.3] {
            for shift in stride(from: 56, through: 0, by: -8) {
                bytes.append(UInt8(truncatingIfNeeded: word >> UInt64(shift)))
            }
        }
    }

    public var description: String { "sha256:\(hex)" }

    /// The first twelve hex digits, the usual short form.
    public var short: String { String(hex.prefix(12)) }

    public static func == (left: Digest, right: Digest) -> Bool { left.words == right.words }

    public static func < (left: Digest, right: Digest) -> Bool { left.words < right.words }

    public func hash(into hasher: inout Swift.Hasher) {
        for word in [words.0, words.1, words.2, words.3] { hasher.combine(word) }
    }

    static func isHexDigit(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains(byte)
    }
}

extension Digest {
    /// A running SHA-256.
    public struct Hasher: Sendable {
        private var state = SHA256()
        /// Short fields that are not hashed yet.
        private var pending: [UInt8] = []
        private static let pendingLimit = 1 << 14

        /// Starts with no bytes.
        public init() {}

        /// Adds `bytes`.
        public mutating func update(_ bytes: some Collection<UInt8>) {
            if !pending.isEmpty { flush() }
            let done: Void? = bytes.withContiguousStorageIfAvailable { buffer in
                unsafe state.update(bufferPointer: UnsafeRawBufferPointer(buffer))
            }
            if done == nil { state.update(data: Array(bytes)) }
        }

        /// Adds the UTF-8 of `text` and a NUL, so that two fields never run into each other.
        public mutating func update(field text: String) {
            pending += text.utf8
            pending.append(0)
            if pending.count >= Self.pendingLimit { flush() }
        }

        private mutating func flush() {
            state.update(data: pending)
            pending.removeAll(keepingCapacity: true)
        }

        /// Returns the digest of everything added so far.
        public func finalize() -> Digest {
            guard !pending.isEmpty else { return Digest(hashed: state.finalize()) }
            var copy = self
            copy.flush()
            return Digest(hashed: copy.state.finalize())
        }
    }
}
