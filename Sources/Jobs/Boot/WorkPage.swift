internal import Analysis
internal import OCI

extension WorkProfile {
    /// The causes on a page.
    private static let shownCauses = 10

    /// The page of `--profile`.
    ///
    /// - Parameters:
    ///   - note: One sentence about the start.
    ///   - places: The lines of a Dockerfile, by layer.
    func page(of image: Image, title: String, note: String, isCounted: Bool, places: DockerfilePlaces) -> FlameGraphPage
    {
        let commands = ImageHistory.commands(of: image)
        let layers = commands.indices.map { index in
            let line = places.places[index].map { ", \($0)" } ?? ""
            return "layer \(index)\(line): \(commands[index].prefix(120))"
        }
        let rows = parts.map { part in
            let layer = part.file?.layer.flatMap { layers.indices.contains($0) ? layers[$0] : nil }
            return FlameGraphPage.Row(
                code: part.frames, package: part.frames(by: part.file?.package ?? "no package"),
                layer: part.frames(by: layer ?? "no layer"), milliseconds: part.milliseconds)
        }
        return FlameGraphPage(
            title: title, note: note, rows: rows, causes: pageCauses(isCounted: isCounted), foldedStacks: foldedStacks)
    }

    /// The ten largest causes, for a page.
    func pageCauses(isCounted: Bool) -> [FlameGraphPage.CostedCause] {
        causes.prefix(Self.shownCauses).filter { $0.milliseconds > 0 }.map { cause in
            FlameGraphPage.CostedCause(
                text: cause.text, amount: Self.amount(cause.milliseconds, isCounted: isCounted),
                share: cause.milliseconds / max(milliseconds, 1e-9), remedy: cause.remedy)
        }
    }
}
