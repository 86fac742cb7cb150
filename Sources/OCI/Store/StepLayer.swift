internal import Linux

/// The layer that a stored step keeps, read from the step's file without decoding the whole document if possible.
struct StepLayer: Hashable {
    let blob: Digest
    let diffID: Digest

    /// Reads the file `name` of the directory of steps; nil if it is no step.
    init?(_ name: [UInt8], in directory: Directory) {
        guard name.count == 64, let bytes = try? directory.contents(ofEntry: name, limit: 1 << 20) else { return nil }
        self.init(bytes)
    }

    init?(_ bytes: [UInt8]) {
        // The canonical document has each of these names once, unless an annotation has one too.
        if let blob = Self.only(Self.digestName, in: bytes), let diffID = Self.only(Self.diffIDName, in: bytes) {
            (self.blob, self.diffID) = (blob, diffID)
            return
        }
        guard let json = try? JSON(parsing: bytes), let layer = json["layer"],
            let descriptor = try? Descriptor(layer, what: "step"),
            let diffID = json["diffID"]?.string.flatMap({ try? Digest($0) }), json["epoch"]?.integer != nil
        else { return nil }
        (self.blob, self.diffID) = (descriptor.digest, diffID)
    }

    private static let digestName = Array(#""digest":"sha256:"#.utf8)
    private static let diffIDName = Array(#""diffID":"sha256:"#.utf8)

    /// Returns the digest after the only occurrence of `name`.
    private static func only(_ name: [UInt8], in bytes: [UInt8]) -> Digest? {
        var found: Digest?
        var index = 0
        while index + name.count + 64 <= bytes.count {
            guard bytes[index] == name[0], bytes[index + 3] == name[3], bytes[index..<index + name.count] == name[...]
            else {
                index += 1
                continue
            }
            if found != nil { return nil }
            index += name.count
            found = Digest(hexBytes: bytes[index..<index + 64])
            if found == nil { return nil }
        }
        return found
    }
}
