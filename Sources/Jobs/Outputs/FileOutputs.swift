internal import Linux
internal import OCI
internal import SystemPackage

// The outputs that are the files of images: a directory and a tar. Attestations are documents beside the files.

extension Outputs {
    private typealias ImageFiles = (image: Image, tree: FileTree)

    private func trees() async throws -> [ImageFiles] {
        var trees: [ImageFiles] = []
        for built in images { trees.append((built.image, try await store.tree(of: built.image))) }
        return trees
    }

    func writeTar(_ output: Output) async throws {
        let destination = try OutputDestination(output.destination ?? "-", host)
        let trees = try await trees()
        let files = try TreeExport(trees, split: isSplit(output), epoch: epoch)
        let documents = try documents(beside: trees, output)
        try await Offload.run { try destination.write { try files.write(to: $0, documents: documents) } }
    }

    func writeDirectory(_ output: Output) async throws {
        let path = FilePath(output.destination ?? "")
        let isSplit = isSplit(output)
        let trees = try await trees()
        if !isSplit, trees.count > 1 {
            guard output.mode == .copy else {
                throw Failure("mode=delete with several platforms needs platform-split=true", status: .usage)
            }
            try DirectoryExport.expectDisjoint(trees.map(\.tree))
        }
        let documents = try documents(beside: trees, output)
        for (index, (image, tree)) in trees.enumerated() {
            let place = isSplit ? try DirectoryExport.path(for: image.config.platform, in: path) : path
            let (mode, epoch) = (output.mode, epoch)
            let left = try await Offload.run {
                try DirectoryExport(image, tree, to: place, epoch: epoch).write(mode, documents: documents?[index])
            }
            if let first = left.first {
                host.note(
                    "\(left.count) devices, \(first) among them, were left out: only root makes devices, with numbers that Linux has"
                )
            }
        }
    }

    private func isSplit(_ output: Output) -> Bool { output.isSplit ?? (images.count > 1) }

    /// Returns the makers of the documents with attestations, one for each image; nil if none is requested.
    private func documents(beside trees: [ImageFiles], _ output: Output) throws -> [ExportedFiles.Documents]? {
        guard let attester else { return nil }
        let isShared = images.count > 1 && !isSplit(output)
        return try trees.enumerated().map { index, files in
            let platform = isShared ? files.image.config.platform : nil
            let fileNames = attester.fileNames(prefix: output.attestationPrefix, platform: platform)
            try expectFree(fileNames, in: isShared ? trees : [files])
            return { [names] files in
                zip(fileNames, attester.attestations(of: index, files, names: names)).map { name, attestation in
                    ExportedFiles.Document(name: name, bytes: attestation.bytes)
                }
            }
        }
    }

    /// Expects that no image has a file with the name of an attestation.
    private func expectFree(_ names: [String], in trees: [ImageFiles]) throws {
        for name in names {
            let path = try ImagePath(name)
            guard trees.contains(where: { $0.tree.node(at: path) != nil }) else { continue }
            throw Failure(
                "the image has \(path), where its attestation would be", remedy: "add attestation-prefix=PREFIX to -o")
        }
    }
}
