internal import OCI

extension BaseImage {
    /// The sentence for people.
    var sentence: String {
        let name = name ?? digest?.short ?? "a known image"
        guard let evidence else {
            return "unknown; pull the image of FROM to see which layers are its."
        }
        guard let layerCount else { return "\(name), by its annotation; pull it to see which layers are its." }
        let layers = layerCount == 1 ? "layer 0" : "layers 0 to \(layerCount - 1)"
        return switch evidence {
        case .layers: "\(name), \(layers), which are that image's in the store."
        case .annotation: "\(name), by its annotation; \(layers), by the history."
        case .history: "\(name), \(layers), by the history."
        }
    }
}

extension BaseImage.LayerOwner {
    /// The word in a table.
    var mark: String { self == .unknown ? "-" : rawValue }
}

extension Report {
    /// The wasted bytes by the owner of the layers that ship them; nil if the base is unknown.
    public var wastedBySide: (base: Int64, yours: Int64)? {
        guard let count = base.layerCount else { return nil }
        let bytes = waste.wastedBytes(inLowest: count)
        return (bytes, waste.wastedBytes - bytes)
    }
}
