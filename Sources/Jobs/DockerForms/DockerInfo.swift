internal import Glibc
public import Linux

/// The document of `docker info`, for programs that ask for a container tool before they build.
public enum DockerInfo {
    /// Returns the document.
    ///
    /// - Parameters:
    ///   - version: The version of thaw.
    ///   - store: The path of the store.
    public static func document(version: String, store: String) -> JSON {
        let isRoot = geteuid() == 0
        return .object([
            "Name": .string("thaw"), "ServerVersion": .string(version), "OSType": .string("linux"),
            "Architecture": .string("x86_64"), "NCPU": .integer(Int64(sysconf(Int32(_SC_NPROCESSORS_ONLN)))),
            "DockerRootDir": .string(store), "Driver": .string("oci-layout"), "Containers": .integer(0),
            "SecurityOptions": .strings(["name=seccomp,profile=builtin"] + (isRoot ? [] : ["name=rootless"])),
        ])
    }
}
