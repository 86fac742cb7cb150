internal import Linux

/// The reader of one entry of `containers` in a wrangler file.
struct WranglerContainer {
    let entry: JSON
    /// The position in the list, from 0.
    let index: Int
    let environment: String?
    let file: String

    private var name: String { entry["class_name"]?.string ?? entry["name"]?.string ?? "\(index + 1)" }

    /// Returns the images of the entry: one, or with the newer form one for each name.
    func containers() throws(WranglerError) -> [WranglerFile.WorkerContainer] {
        try refuseOldForms()
        let instance = try instance()
        if let images = entry["images"]?.object {
            var result: [WranglerFile.WorkerContainer] = []
            for (key, value) in images.sorted(by: { $0.key < $1.key }) {
                let name = "\(name)/\(key)"
                guard let image = value["dockerfile"]?.string ?? value["image"]?.string else {
                    throw .missing(file, container: name, key: "dockerfile")
                }
                result.append(
                    container(
                        name, image: image, context: value["build_context"], arguments: value["build_vars"],
                        instance: instance))
            }
            return result
        }
        guard let image = entry["image"]?.string, !image.isEmpty else {
            throw .missing(file, container: name, key: "image")
        }
        return [
            container(
                name, image: image, context: entry["image_build_context"], arguments: entry["image_vars"],
                instance: instance)
        ]
    }

    private func container(
        _ name: String, image: String, context: JSON?, arguments: JSON?, instance: WranglerFile.Instance?
    ) -> WranglerFile.WorkerContainer {
        WranglerFile.WorkerContainer(
            name: name, environment: environment, image: image, context: context?.string,
            arguments: (arguments?.object ?? [:]).compactMapValues(\.string), instance: instance)
    }

    private func instance() throws(WranglerError) -> WranglerFile.Instance? {
        guard let value = entry["instance_type"] else { return nil }
        if let name = value.string { return .named(name) }
        guard value.object != nil else {
            throw .malformed(file, reason: "'instance_type' of the container \(name) is neither a name nor an object")
        }
        return .custom(
            vcpu: number(value["vcpu"]), memory: number(value["memory_mib"]).map { ByteCount(Int64($0 * 1_048_576)) },
            disk: number(value["disk_mb"]).map { ByteCount(Int64($0 * 1_000_000)) })
    }

    /// A number of the file, below 10^9, so that it can be multiplied.
    private func number(_ value: JSON?) -> Double? {
        let number: Double? =
            switch value {
            case .integer(let whole)?: Double(whole)
            case .literal(let text)?: Double(text)
            default: nil
            }
        return number.flatMap { $0.isFinite && $0 >= 0 && $0 < 1e9 ? $0 : nil }
    }

    private func refuseOldForms() throws(WranglerError) {
        if entry["configuration"]?["image"] != nil {
            throw .outdated(file, container: name, key: "configuration.image", instead: "image = … in the container")
        }
        for key in ["memory", "cpu"] where entry[key] != nil {
            throw .outdated(
                file, container: name, key: key,
                instead: "instance_type = \"basic\", or instance_type = { vcpu = 1, memory_mib = 3072, disk_mb = 4000 }"
            )
        }
    }
}
