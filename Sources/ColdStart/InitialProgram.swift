internal import Glibc
public import SystemPackage

/// The guest's init, which is built beside `thaw` and installed with it.
public enum InitialProgram {
    /// Finds it beside the running program, or in `libexec/thaw` next to its `bin`.
    ///
    /// - Throws: ``ColdStartError/initialProgramMissing(_:)``
    public static func locate() throws(ColdStartError) -> FilePath {
        let places = places(besides: program ?? "/usr/local/bin/thaw")
        if let place = places.first(where: { isAccessible($0.string, R_OK) }) { return place }
        throw .initialProgramMissing(places)
    }

    static func places(besides program: FilePath) -> [FilePath] {
        let directory = program.removingLastComponent()
        return [
            directory.appending("thaw-init"),
            directory.removingLastComponent().appending("libexec").appending("thaw").appending("thaw-init"),
        ]
    }

    /// Stores the path of the running program before a caller enters a mount namespace, where /proc no longer has it.
    public static func noteProgram() { _ = program }

    private static let program: FilePath? = {
        var buffer = [CChar](repeating: 0, count: Int(PATH_MAX))
        let count = unsafe readlink("/proc/self/exe", &buffer, buffer.count - 1)
        return count > 0 ? FilePath(platformString: buffer) : nil
    }()
}
