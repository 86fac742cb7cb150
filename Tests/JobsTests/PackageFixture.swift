import ImageFiles
import OCI
import Support

/// An image of Debian 12 with packages, and its store.
struct PackageFixture {
    let workspace: Workspace
    let image: Image

    /// Makes the image.
    ///
    /// - Parameters:
    ///   - status: The text of dpkg's database.
    ///   - files: Further files of each layer: paths with their texts.
    init(dpkg status: String, _ files: [(path: String, text: String)]...) throws {
        workspace = try Workspace()
        var layers = try files.map { try $0.map { try file($0.path, $0.text) } }
        layers[0].insert(
            contentsOf: [
                try file("etc/os-release", "ID=debian\nVERSION_ID=\"12\"\n"),
                try file("var/lib/dpkg/status", status),
            ], at: 0)
        image = try workspace.image(layers)
    }
}
