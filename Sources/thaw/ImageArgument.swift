public import ArgumentParser
public import Jobs
import OCI
import TTY

extension NamedImage: ExpressibleByArgument {
    public init(argument: String) { self.init(argument) }

    /// Finds the image for this machine's platform.
    func image(in store: Store) async throws -> Image { try await image(in: store, TerminalHost()) }

    /// Finds the image for this machine's platform, with its layers as they are exported.
    func exported(in store: Store) async throws -> Image { try await exported(in: store, TerminalHost()) }
}

extension Transport {
    /// The help of an argument that names an image.
    static let help = """
        Image: NAME (in the store, else in its registry), docker://NAME, oci:DIR[:TAG], oci-archive:FILE[:TAG], \
        docker-archive:FILE[:NAME], docker-daemon:NAME or containers-storage:NAME.
        """
}
