// The layers of both images on the page of `thaw optimize`.

internal import Linux
internal import OCI

extension OptimizationPage {
    var layerNote: String {
        "Bytes of each layer’s files, to one scale. Hatched: shipped, but visible to no container."
    }

    var layers: [Markup] {
        let scale = sides.flatMap { $0.side.layers.map(\.size) }.max() ?? 0
        return sides.flatMap { name, side -> [Markup] in
            let facts =
                "\(ByteCount(side.size)) in \(counted(side.layers.count, "layer")), \(ByteCount(side.compressedSize)) to pull"
            let heading: Markup = "<h3>\(name) <code>\(side.reference)</code><span>\(facts)</span></h3>\n"
            return [heading]
                + side.layers.map { layer in
                    BarRow(
                        number: layer.index, label: layer.command, bytes: layer.size, wasted: layer.wastedBytes,
                        remark: "\(ByteCount(layer.compressedSize)) to pull"
                    ).markup(scale: scale)
                }
        }
    }

    var footer: Markup {
        let lines = sides.map { name, side -> Markup in "\(name) <code>\(side.digest.description)</code><br>" }
        return "<footer>\(lines)</footer>"
    }
}
