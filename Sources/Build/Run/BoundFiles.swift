internal import Frontend
internal import Linux
internal import OCI

// Files for RUN --mount=type=bind. Files of an image are its unpacked layers. Files of a context become a layer by an
// internal COPY, cached by content like any other; then they are treated the same.

/// An image, and the path in it to mount.
struct BoundFiles: Sendable {
    let image: Image
    let path: ImagePath
}

extension StageBuilder {
    /// Returns the files that `bind` selects in its source.
    func selection(of bind: RunMount.Bind) async throws -> (source: any CopySource, selection: CopySelection) {
        let source = try await source(bind.origin)
        let selection = try selecting(from: bind.origin) {
            try CopySelection([SourcePath(exactly: bind.source)], excluding: IgnoreRules(), in: source.tree)
        }
        return (source, selection)
    }

    /// Returns the files of `bind`, with their layers in the store.
    func files(of bind: RunMount.Bind) async throws -> BoundFiles {
        if case .image(let image) = bind.origin {
            return BoundFiles(image: image, path: try CopyPlan.absolute(bind.source, in: "/"))
        }
        let (source, selection) = try await selection(of: bind)
        let scratch = Image.scratch(shared.request.platform, in: shared.store)
        var key = StepFingerprint("bind", on: [], epoch: epoch)
        let digests = try await Offload.run { try source.digests(of: selection.files) }
        selection.add(to: &key, digests: digests)
        let step: CachedStep
        if let known = try shared.store.cachedStep(for: key.digest) {
            step = known
        } else {
            step = try await copied(selection, from: source)
            try shared.store.cache(step, for: key.digest)
        }
        let history = Self.history("bind", isEmptyLayer: false)
        return BoundFiles(image: scratch.appending(step.layer, history: history), path: try ImagePath("content"))
    }

    /// Makes a layer with only the selection, as `content`.
    func copied(_ selection: CopySelection, from source: any CopySource) async throws -> CachedStep {
        let isDirectory = selection.roots.contains { selection.tree.inode(of: $0.node).kind.isDirectory }
        let destination = CopyPlan.Destination(text: isDirectory ? "/content/" : "/content", workingDirectory: "/")
        let plan = try CopyPlan(selection, to: destination, onto: FileTree())
        var form = LayerForm()
        form.compression = .uncompressed
        return try await write(plan, from: source, form: form).step
    }
}
