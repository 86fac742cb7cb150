internal import OCI

// Notes about copies that do what they say, but rarely what was meant.

extension StageBuilder {
    /// Notes the directories below that an independent layer changes, and files of one pattern that replace each other.
    func note(_ job: TransferJob, _ plan: CopyPlan, line: Int) async throws {
        let place = self.plan.place(line)
        if let file = plan.replacedFile {
            let cure = "the destination of several files must end in /"
            shared.noteOnce("\(place): the pattern matches several files, and the last one becomes '\(file)'; \(cure)")
        }
        guard job.isIndependent, !plan.madeDirectories.isEmpty else { return }
        let changes = try await shared.trees.tree(of: image).changes(by: plan)
        guard let first = changes.first else { return }
        let more = changes.count > 1 ? " (and \(changes.count - 1) more)" : ""
        let cure = "leave out --link to keep what is there"
        shared.noteOnce("\(place): --link \(first)\(more), since its layer is made without those below; \(cure)")
    }
}

// MARK: - Scripts

extension StageBuilder {
    /// Notes a script whose first line no system can read.
    func note(_ script: ImagePath, _ line: Int) {
        let place = plan.place(line)
        shared.noteOnce(
            "\(place): the line ends of the script '\(script)' are CR LF, so its interpreter is not found; save it with LF"
        )
    }
}

/// A look at the first bytes of files, for scripts that start with `#!` and a line that ends with CR LF.
struct ScriptFinder {
    /// The first such script.
    private(set) var found: ImagePath?
    private var path: ImagePath?

    /// Starts a file.
    mutating func begin(_ path: ImagePath) { self.path = found == nil ? path : nil }

    /// Takes the next bytes of the file.
    mutating func look(at bytes: ArraySlice<UInt8>) {
        guard let path, bytes.count > 3 else { return }
        self.path = nil
        guard bytes.starts(with: "#!".utf8), let end = bytes.prefix(256).firstIndex(of: UInt8(ascii: "\n")),
            bytes[end - 1] == UInt8(ascii: "\r")
        else { return }
        found = path
    }
}

extension FileTree {
    /// Returns the effects on existing paths of a plan that was made for an empty tree.
    fileprivate func changes(by plan: CopyPlan) -> [String] {
        plan.items.compactMap { item in
            let path = item.entry.path
            guard plan.madeDirectories.contains(path), let old = inode(at: path) else { return nil }
            if case .symlink(let target) = old.kind {
                return "replaces the link \(path) -> \(String(decoding: target, as: UTF8.self)) by a directory"
            }
            let (before, after) = (old.metadata.ownership, item.entry.metadata.ownership)
            return before == after ? nil : "changes the directory \(path) from \(before) to \(after)"
        }
    }
}

extension FileMetadata {
    /// The mode and owner, such as `1777 0:0`.
    fileprivate var ownership: String {
        let digits = String(mode, radix: 8)
        return "\(String(repeating: "0", count: max(0, 4 - digits.count)))\(digits) \(uid):\(gid)"
    }
}
