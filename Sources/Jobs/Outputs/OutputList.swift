public import OCI
internal import Registry

// All outputs of one build.

extension Output {
    /// Parses the values of `-o`, and adds the outputs of `--load` and `--push`; without any, the store.
    public static func all(_ texts: [String], load: Bool, push: Bool) throws -> [Output] {
        var list = try texts.map { try Output(parsing: $0) }
        if load, !list.contains(where: { $0.kind == .image }) { list.append(Output(.image)) }
        if push {
            let images = list.indices.filter { list[$0].kind == .image }
            for index in images { list[index].isPushed = true }
            if images.isEmpty, !list.contains(where: { $0.kind == .registry }) { list.append(Output(.registry)) }
        }
        let places = list.compactMap(\.destination)
        if let twice = places.first(where: { place in places.count { $0 == place } > 1 }) {
            let name = twice == "-" ? "stdout" : "'\(twice)'"
            throw Failure("two outputs cannot both go to \(name)", status: .usage)
        }
        return list.isEmpty ? [Output(.image)] : list
    }

    /// Returns the compression that all outputs have in common, so that layers are not compressed twice; else nil.
    public static func compression(of outputs: [Output]) -> Compression? {
        let wanted = outputs.filter(\.kind.isImage).map(\.form.compression)
        guard let first = wanted.first, wanted.allSatisfy({ $0 == first }) else { return nil }
        return first
    }

    /// True if no output needs compressed layers, so that the build can leave them plain in the store.
    public static func defersCompression(of outputs: [Output]) -> Bool {
        outputs.allSatisfy { !$0.kind.isImage || $0.staysInStore }
    }

    /// True if the output is an image in the store alone, in a form that can be completed later.
    var staysInStore: Bool { kind == .image && !isPushed && form.level == nil && form.types == .oci }

    /// Checks the outputs before anything is built.
    public static func check(
        _ outputs: [Output], _ common: Annotations, names: [Reference], platforms: [Platform], isAttested: Bool = false,
        host: any JobHost
    ) throws {
        for output in outputs {
            if output.hasStream, let path = output.destination { _ = try OutputDestination(path, host) }
            if output.isPushed, output.names.isEmpty, names.isEmpty {
                throw Failure(
                    "a push needs a name", remedy: "add -t NAME or name=NAME", status: .usage)
            }
            guard output.kind.isImage else { continue }
            var annotations = common
            annotations.add(output.annotations)
            try check(annotations, of: output, platforms: platforms, hasIndex: platforms.count > 1 || isAttested)
        }
    }

    private static func check(
        _ annotations: Annotations, of output: Output, platforms: [Platform], hasIndex: Bool
    ) throws {
        if !hasIndex || (platforms.count == 1 && !output.hasAttestations),
            annotations.has(.index) || annotations.has(.indexDescriptor)
        {
            throw Failure(
                "an annotation is for the index, but an image of one platform has none",
                remedy: "build for several platforms with --platform, or annotate the manifest", status: .usage)
        }
        if output.form.types == .docker, !annotations.isEmpty {
            throw Failure("Docker's manifests have no annotations", remedy: "leave oci-mediatypes=true", status: .usage)
        }
        for platform in annotations.platforms where !platforms.contains(where: platform.accepts) {
            throw Failure("an annotation is for \(platform), which is not built", status: .usage)
        }
    }
}
