import Glibc
import Harness
import Testing

/// Images with links that lead out of the container, if the host follows them.
///
/// These are attacks like CVE-2021-30465, CVE-2024-21626, CVE-2025-31133, CVE-2025-52565 and CVE-2025-52881.
@Suite("Attacks by an image's own files") struct ImageTests {
    /// Paths that are links to a directory of the host, or to a file in it, and instructions that use them.
    static let places: [(place: String, target: String, instructions: String)] = [
        ("proc", "", ""), ("sys", "", ""), ("dev", "", ""), ("etc", "", ""), ("etc/hosts", "/kept", ""),
        ("etc/resolv.conf", "/kept", ""), ("etc/hostname", "/kept", ""), ("work", "", "WORKDIR /work/made"),
        ("mounted", "", "RUN --mount=type=tmpfs,target=/mounted/tmpfs true"),
        ("mounted", "", "RUN --mount=type=cache,target=/mounted/cache touch /mounted/cache/new"),
        ("mounted", "", "RUN --mount=type=bind,target=/mounted/bind true"),
        ("mounted", "", "RUN --mount=type=secret,id=s,target=/mounted/secret,required=false true"),
        ("copied", "", "COPY tree/bin/probe /copied/"), ("copied", "", "ADD tree/bin/probe /copied/made/"),
        ("run/secrets", "", "RUN --mount=type=secret,id=s,required=false true"),
    ]

    /// Prefixes of a link's target.
    static let prefixes = ["", "/../../../../../../../..", "/proc/self/cwd/../../../../../../../../.."]

    @Test("No file is written through a link of the image", arguments: places, Caller.allCases)
    func links(link: (place: String, target: String, instructions: String), caller: Caller) throws {
        guard caller.unavailableReason == nil else { return }
        for prefix in caller == .root ? Self.prefixes : [""] {
            let directory = try TestDirectory()
            let victim = "\(directory.path)/victim"
            try Self.writeImage(
                link.place, target: "\(prefix)\(victim)\(link.target)", link.instructions, in: directory)
            try Program.shell("mkdir -m 777 victim && echo 1 >victim/kept && chmod 666 victim/kept", in: directory.path)
            let before = try Self.state(victim)
            let thaw = try Installation(caller, in: directory)
            // Rejected, or done inside the container: both are correct.
            let built = try thaw.thaw(["build", "--progress", "quiet", "-t", "app", "context"])
            if built.status == 0, link.instructions.isEmpty {
                _ = try thaw.thaw(["boot", "--engine", "container", "--timeout", "5s", "--probe", "log:^done", "app"])
            }
            let after = try Self.state(victim)
            #expect(after == before, "\(prefix) \(link.instructions)")
        }
    }

    /// Makes an image in which a path is a link, with a RUN and a CMD that write there.
    private static func writeImage(
        _ place: String, target: String, _ instructions: String, in directory: TestDirectory
    ) throws {
        try AttackProgram.fill("context/tree", in: directory)
        try Program.shell(
            "mkdir -p \"$(dirname 'tree/\(place)')\" && ln -s '\(target)' 'tree/\(place)'",
            in: "\(directory.path)/context")
        let script = "echo 2 >/\(place); chmod 0 /\(place); touch /\(place)/new; echo done"
        try directory.write(
            "context/Dockerfile", Surface.base(0) + "\(instructions)\nRUN \(script)\nCMD \(script)\n")
    }

    /// Options of a Dockerfile that only the caller may grant.
    static let grants = [
        "RUN --network=host [\"/bin/true\"]", "RUN --security=insecure [\"/bin/true\"]",
        "RUN --network=host --security=insecure [\"/bin/true\"]",
    ]

    @Test("A Dockerfile can't grant itself a permission of the caller", arguments: grants)
    func entitlements(instruction: String) throws {
        let directory = try TestDirectory()
        try AttackProgram.fill("context/tree", in: directory)
        try directory.write("context/Dockerfile", Surface.base(0) + instruction + "\n")
        let outcome = try directory.thaw("build", "--progress", "quiet", "context")
        #expect(outcome.status == 1 || outcome.status == 64, "\(outcome.error)")
        #expect(outcome.error.contains("--allow"), "\(outcome.error)")
    }

    /// Returns a directory's content: names, modes, owners, sizes and times.
    private static func state(_ directory: String) throws -> String {
        try Program.shell("find . -exec stat -c '%n %A %u:%g %s %y' {} + | sort", in: directory)
    }

    @Test("A working directory that is a descriptor stays inside", arguments: Caller.allCases)
    func descriptors(caller: Caller) throws {
        guard caller.unavailableReason == nil else { return }
        let directory = try TestDirectory()
        try AttackProgram.fill("context/tree", in: directory)
        try Program.shell("ln -s /proc/self/fd context/tree/descriptors", in: directory.path)
        let thaw = try Installation(caller, in: directory)
        for number in 3..<24 {
            for place in ["/proc/self/fd/\(number)", "/proc/1/fd/\(number)", "/descriptors/\(number)"] {
                try directory.write(
                    "context/Dockerfile",
                    Surface.base(0) + """
                        WORKDIR \(place)
                        RUN ["/bin/probe", "facts", "/out/results"]
                        FROM scratch
                        COPY --from=0 /out /

                        """)
                let output = thaw.scratch("output")
                let outcome = try thaw.thaw(
                    ["build", "--progress", "quiet", "--output", "type=local,dest=\(output)", "context"])
                guard outcome.status == 0 else { continue }
                let results = try AttackResults(Program.shell("cat '\(output)/results'"))
                #expect(results.fact("working-directory") == "inside", "\(place)")
            }
        }
    }
}
