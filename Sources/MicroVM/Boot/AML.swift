internal import Linux

// The byte code of ACPI tables (ACPI 6.5, chapter 20), as far as our DSDT needs it.

/// One object of ACPI's byte code.
///
/// Names have four characters each; a `\` may precede the first.
indirect enum AML: Sendable {
    case scope(String, [AML])
    case device(String, [AML])
    case name(String, AML)
    /// A method with arguments, serialized: it is never entered twice at the same time.
    case method(String, arguments: UInt8, [AML])
    /// Notifies the driver of the device at a path.
    case notify([String], AML)
    case integer(UInt64)
    case string(String)
    case package([AML])
    /// An identifier such as PNP0501, packed into 32 bits.
    case eisa(String)
    case resources([Resource])

    /// The resources of a device (ACPI 6.5, 6.4).
    enum Resource: Sendable {
        case memory(start: UInt32, byteCount: UInt32)
        /// Edge-triggered, active high, not shared: the behaviour of KVM's irqfd.
        case interrupt(UInt32)
        case ports(start: UInt16, count: UInt8)
    }

    /// The SerializeFlag of a method's flags.
    private static let serialized: UInt8 = 1 << 3

    var bytes: [UInt8] {
        switch self {
        case .scope(let name, let terms): [AMLOpcode.scope] + Self.sized(Self.path([name]) + terms.flatMap(\.bytes))
        case .device(let name, let terms):
            [AMLOpcode.extPrefix, AMLOpcode.device] + Self.sized(Self.path([name]) + terms.flatMap(\.bytes))
        case .name(let name, let value): [AMLOpcode.name] + Self.path([name]) + value.bytes
        case .method(let name, let arguments, let terms):
            [AMLOpcode.method] + Self.sized(Self.path([name]) + [arguments | Self.serialized] + terms.flatMap(\.bytes))
        case .notify(let path, let value): [AMLOpcode.notify] + Self.path(path) + value.bytes
        case .integer(let value): Self.integer(value)
        case .string(let text): [AMLOpcode.stringPrefix] + Array(text.utf8) + [0]
        case .package(let elements):
            [AMLOpcode.package] + Self.sized([UInt8(truncatingIfNeeded: elements.count)] + elements.flatMap(\.bytes))
        case .eisa(let identifier): Self.dword(Self.packed(identifier))
        case .resources(let list): Self.buffer(list.flatMap(\.bytes) + AMLResourceTag.endTag + [0])
        }
    }

    /// Puts a package length before bytes.
    ///
    /// The length counts itself: 1 byte up to 63, then 2 up to 4095, 3 up to 2^20, 4.
    static func sized(_ content: [UInt8]) -> [UInt8] {
        if content.count + 1 < 1 << 6 { return [UInt8(content.count + 1)] + content }
        var size = 2
        while size < 4, content.count + size >= 1 << (4 + 8 * (size - 1)) { size += 1 }
        let total = content.count + size
        precondition(total < 1 << 28, "an ACPI object is shorter than 2^28 bytes")
        var length = [UInt8((size - 1) << 6 | total & 0xf)]
        for index in 1..<size { length.append(UInt8(truncatingIfNeeded: total >> (8 * index - 4))) }
        return length + content
    }

    static func integer(_ value: UInt64) -> [UInt8] {
        var bytes: [UInt8] = []
        switch value {
        case 0, 1: return [UInt8(value)]
        case ...0xff: return [AMLOpcode.bytePrefix, UInt8(value)]
        case ...0xffff:
            bytes = [AMLOpcode.wordPrefix]
            bytes.append(little: UInt16(value))
        case ...0xffff_ffff: return dword(UInt32(value))
        default:
            bytes = [AMLOpcode.qwordPrefix]
            bytes.append(little: value)
        }
        return bytes
    }

    private static func dword(_ value: UInt32) -> [UInt8] {
        var bytes: [UInt8] = [AMLOpcode.dwordPrefix]
        bytes.append(little: value)
        return bytes
    }

    private static func buffer(_ content: [UInt8]) -> [UInt8] {
        [AMLOpcode.buffer] + sized(integer(UInt64(content.count)) + content)
    }

    /// Encodes a path, from the root if its first name has a `\`.
    private static func path(_ names: [String]) -> [UInt8] {
        var segments = names.map { Array($0.utf8) }
        var bytes: [UInt8] = []
        if segments[0].first == UInt8(ascii: "\\") { bytes.append(segments[0].removeFirst()) }
        if segments.count == 2 { bytes.append(AMLOpcode.dualNamePrefix) }
        precondition(segments.count <= 2 && segments.allSatisfy { $0.count == 4 }, "one or two names of 4 characters")
        return bytes + segments.joined()
    }

    /// Packs three letters of 5 bits, then four hexadecimal digits, in big-endian order.
    private static func packed(_ identifier: String) -> UInt32 {
        let letters = identifier.utf8.prefix(3).reduce(UInt32(0)) { $0 << 5 | UInt32($1 & 0x1f) }
        let digits = UInt32(identifier.dropFirst(3), radix: 16) ?? 0
        return (letters << 16 | digits).byteSwapped
    }
}

extension AML.Resource {
    /// Of a memory range's information.
    private static let readWrite: UInt8 = 1 << 0
    // Of an interrupt's flags; without the others it is active high and not shared.
    private static let consumer: UInt8 = 1 << 0
    private static let edgeTriggered: UInt8 = 1 << 1
    /// Of a port range's information: all 16 bits are decoded.
    private static let decode16: UInt8 = 1 << 0

    var bytes: [UInt8] {
        var bytes: [UInt8]
        switch self {
        case .memory(let start, let byteCount):
            bytes = AMLResourceTag.fixedMemory32 + [Self.readWrite]
            bytes.append(little: start)
            bytes.append(little: byteCount)
        case .interrupt(let number):
            let numberOfInterrupts: UInt8 = 1
            bytes = AMLResourceTag.extendedInterrupt + [Self.consumer | Self.edgeTriggered, numberOfInterrupts]
            bytes.append(little: number)
        case .ports(let start, let count):
            let alignment: UInt8 = 1
            bytes = AMLResourceTag.ioPort + [Self.decode16]
            bytes.append(little: start)
            bytes.append(little: start)
            bytes += [alignment, count]
        }
        return bytes
    }
}
