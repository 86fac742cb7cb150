import OCI

/// The one place that sends a build's result to registries.
enum Push {
    /// Sends `set`, all of which is in the store, to each of `names`, of which there is one at least; what stands in the output counts.
    static func run(_ set: ImageSet, _ names: [Reference], _ output: Output) async throws {
        throw Failure(
            "'\(names[0])' was built, but thaw has no registry client yet",
            remedy: "'-o type=oci,dest=FILE' writes what skopeo can copy to a registry", status: .unmeasurable)
    }
}
