import ImageFiles
import Linux
import OCI
import Slim
import Support
import Testing

/// A small image made for a test, and its plan.
struct Sample {
    let workspace: Workspace
    let image: Image

    /// Makes an image of these layers that runs `arguments`.
    init(
        _ layers: [[(LayerEntry, [UInt8])]], runs arguments: [String], environment: [String] = [],
        _ edit: (inout ImageConfig) -> Void = { _ in }
    ) throws {
        workspace = try Workspace()
        image = try workspace.image(layers).configured { config in
            config.entrypoint = arguments
            config.environment = environment
            edit(&config)
        }
    }

    func plan(_ options: SlimOptions = SlimOptions()) async throws -> SlimPlan {
        try SlimPlan(try await ImageFiles(of: image), options: options)
    }

    /// Returns the kept paths that are no directories.
    func kept(_ options: SlimOptions = SlimOptions()) async throws -> Set<String> {
        let plan = try await plan(options)
        let tree = plan.contents.tree
        return Set(plan.keep.keys.filter { !tree.inode(of: $0).kind.isDirectory }.map { tree.path(of: $0).description })
    }

    /// Returns the slim image, checked against the original.
    func slimmed(_ options: SlimOptions = SlimOptions()) async throws -> (
        image: Image, after: ImageFiles, plan: SlimPlan
    ) {
        let plan = try await plan(options)
        let slim = try await image.slimmed(by: plan, into: workspace.store)
        let after = try await ImageFiles(of: slim)
        #expect(Invariants.check(after, against: plan.contents, rewritten: plan.rewritten) == [])
        return (slim, after, plan)
    }
}

/// Makes an executable ELF file.
func program(_ path: String, _ maker: ELFMaker) throws -> (LayerEntry, [UInt8]) {
    try file(path, maker.bytes, mode: 0o755)
}

/// Makes a library.
func library(_ path: String, needs needed: [String] = []) throws -> (LayerEntry, [UInt8]) {
    let name = path.split(separator: "/").last.map(String.init) ?? path
    return try file(path, ELFMaker.library(name, needs: needed).bytes)
}

/// Makes the parts of glibc that a program needs: loader, C library, merged directories.
func glibc() throws -> [(LayerEntry, [UInt8])] {
    try [
        symlink("lib", "usr/lib"), symlink("lib64", "usr/lib64"), symlink("bin", "usr/bin"), directory("usr/bin"),
        symlink("usr/lib64/ld-linux-x86-64.so.2", "/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2"),
        library("usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2"),
        library("usr/lib/x86_64-linux-gnu/libc.so.6", needs: ["ld-linux-x86-64.so.2"]),
    ]
}

let glibcPaths: Set<String> = [
    "/lib", "/lib64", "/bin", "/usr/lib64/ld-linux-x86-64.so.2", "/usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2",
    "/usr/lib/x86_64-linux-gnu/libc.so.6",
]

/// Makes a dpkg database in which each package owns its paths.
func dpkg(_ packages: [(name: String, fields: String, paths: [String])]) throws -> [(LayerEntry, [UInt8])] {
    let rows = packages.map { "Package: \($0.name)\nStatus: install ok installed\nVersion: 1\n\($0.fields)" }
    return try [file("var/lib/dpkg/status", rows.map { $0.hasSuffix("\n") ? $0 : $0 + "\n" }.joined(separator: "\n"))]
        + packages.map { try file("var/lib/dpkg/info/\($0.name).list", $0.paths.map { "\($0)\n" }.joined()) }
}
