internal import Linux
internal import OCI

// The key of a COPY's layer by its plan. A layer is a function of the files, the options and the facts of the tree below
// that the plan reads: the place that links lead to, and the directories that exist there. So a change below that leaves
// these facts alone leaves the layer alone.

extension CopyPlan {
    /// Adds the places of all entries, and the attributes that come from the tree below or from options.
    ///
    /// The key must have the selected files and the options too. `epoch` is the newest time in the layer.
    func add(to key: inout StepFingerprint, epoch: Int64) {
        var placed = Digest.Hasher()
        var below = Digest.Hasher()
        var count = 0
        var bytes: [UInt8] = []
        for item in items {
            bytes.removeAll(keepingCapacity: true)
            Self.append(item, epoch: epoch, to: &bytes)
            placed.update(bytes)
            guard item.isFromTarget else { continue }
            below.update(bytes)
            count += 1
        }
        key.hash("the plan", placed.finalize().description)
        key.add("the place of the destination", place)
        if count == 0 { return }
        let above = StepInput(name: "the directories above the files", value: "\(below.finalize())")
        key.explain { [above] }
    }

    private static func append(_ item: CopiedPath, epoch: Int64, to bytes: inout [UInt8]) {
        let (entry, metadata) = (item.entry, item.entry.metadata)
        bytes += entry.path.bytes
        bytes.append(0)
        if case .link(let target) = entry.change { bytes += target.bytes }
        bytes.append(0)
        var numbers = [UInt64(metadata.mode), UInt64(metadata.uid), UInt64(metadata.gid)]
        // The times of sources aren't inputs.
        if item.isFromTarget { numbers.append(UInt64(bitPattern: min(metadata.mtime.seconds, epoch))) }
        let isDirectory = entry.change == .add(.directory)
        numbers.append(isDirectory ? UInt64(metadata.xattrs.count) : 0)
        for number in numbers {
            for shift in stride(from: UInt64(0), to: 64, by: 8) {
                bytes.append(UInt8(truncatingIfNeeded: number >> shift))
            }
        }
        guard isDirectory else { return }
        for (name, value) in metadata.xattrs.sorted(by: { $0.key < $1.key }) {
            bytes += name.utf8
            bytes.append(0)
            bytes += Digest(of: value).description.utf8
        }
    }
}
