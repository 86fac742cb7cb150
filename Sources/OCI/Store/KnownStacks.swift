internal import Linux
internal import SystemPackage

// The parts of stacks of layers by their chain ID, from which a collection learns which unpacked layers a step needs: a
// chain ID can't be inverted. It is a hint: one small file for each stack, never synced.
//
// ```
// thaw/chains/CHAIN    DIFFID BELOW     the hex digits; BELOW is missing for the lowest layer
// ```

extension Store {
    private static let chainsPath: FilePath = "thaw/chains"

    /// Stores the parts of the stack whose topmost layer is the last of `layers`.
    public func rememberStack(_ layers: [Layer]) throws {
        guard let top = layers.last else { return }
        let below = Digest.chainID(of: layers.dropLast())
        let name = FilePath("thaw/chains/\(Digest.chainID(top.diffID, on: below).hex)")
        if try root.exists(name) { return }
        try root.makeDirectories(Self.chainsPath)
        let words = [top.diffID.hex] + (below.map { [$0.hex] } ?? [])
        try root.replace(name, with: Array(words.joined(separator: " ").utf8), isSynced: false)
    }

    /// Returns the parts of the known stacks.
    func knownStacks() throws -> [Digest: (diffID: Digest, below: Digest?)] {
        guard try root.exists(Self.chainsPath) else { return [:] }
        let directory = try root.directory(Self.chainsPath)
        var stacks: [Digest: (diffID: Digest, below: Digest?)] = [:]
        for entry in try directory.entries() {
            guard let chain = Digest(hexBytes: entry.name),
                let bytes = try? directory.contents(ofEntry: entry.name, limit: 256),
                let diffID = Digest(hexBytes: bytes.prefix(64))
            else { continue }
            let below = Digest(hexBytes: bytes.dropFirst(65))
            guard Digest.chainID(diffID, on: below) == chain else { continue }
            stacks[chain] = (diffID, below)
        }
        return stacks
    }

    /// Removes the parts of stacks that are no longer unpacked.
    func forgetStacks() throws {
        guard try root.exists(Self.chainsPath) else { return }
        let directory = try root.directory(Self.chainsPath)
        let unpacked = Set(try root.directory("thaw/layers").entries().map { Array($0.name.prefix(64)) })
        for entry in try directory.entries() where !unpacked.contains(entry.name) {
            try directory.remove(entry: entry.name)
        }
    }
}
