import Harness
import Testing

/// The calls of wrangler to the program of `WRANGLER_DOCKER_BIN`, in its order and spelling.
///
/// Source: cloudflare/workers-sdk, as of 2026-11-30; `$REGISTRY` stands for the platform's registry.
@Suite struct WranglerTests {
    /// Each call, with the pattern of `grep -x` for stdout; nil if only the exit status is read.
    static let calls: [(call: String, output: String?)] = [
        ("thaw info", nil),
        ("thaw info --format '{{json .}}'", #"{.*"SecurityOptions":\[.*\].*}"#),
        (
            "thaw build --load -t $REGISTRY/app:1 --platform linux/amd64 --provenance=false --build-arg K=V "
                + "--network host -f - . <Dockerfile", nil
        ),
        (
            "thaw image inspect $REGISTRY/app:1 --format '{{ .Size }} {{ len .RootFS.Layers }} {{json .RepoDigests}}'",
            #"[0-9]* [0-9]* \[\]"#
        ),
        ("thaw image inspect $REGISTRY/app:1 --format '{{ .Os }}/{{ .Architecture }}'", "linux/amd64"),
        ("thaw image inspect $REGISTRY/app:1 --format '{{ len .Config.ExposedPorts }}'", "1"),
        (
            #"thaw image inspect $REGISTRY/app:1 --format '{{ range .RepoTags }}{{ . }}\n{{ end }}' | grep ."#,
            "127.0.0.1:[0-9]*/app:1"
        ),
        ("echo $PASSWORD | thaw login --password-stdin --username $USERNAME $REGISTRY", nil),
        ("! thaw manifest inspect $REGISTRY/account/app@$(cat none)", nil),
        ("thaw tag $REGISTRY/app:1 $REGISTRY/account/app:1", nil),
        ("thaw push $REGISTRY/account/app:1", nil),
        ("thaw manifest inspect $REGISTRY/account/app:1 | grep -o '\"schemaVersion\": *2'", #""schemaVersion": *2"#),
        ("thaw image rm $REGISTRY/account/app:1", nil),
        ("thaw manifest inspect $REGISTRY/account/app:1 | grep -o '\"schemaVersion\": *2'", #""schemaVersion": *2"#),
        ("thaw rmi $REGISTRY/app:1", nil),
    ]

    @Test(
        "Every call of wrangler has the result that it reads",
        arguments: ["thaw", "thaw --host unix:///var/run/x.sock"])
    func replays(program: String) throws {
        try #require(DockerRegistry.isInstalled, "docker-registry is missing; run make deps")
        let registry = try DockerRegistry(login: true)
        let directory = try TestDirectory.withBusybox()
        try directory.write("Dockerfile", "FROM busybox\nARG K\nRUN test \"$K\" = V\nEXPOSE 8080\n")
        try directory.write("none", "sha256:" + String(repeating: "0", count: 64))
        let folder = Binary.path.split(separator: "/").dropLast().joined(separator: "/")
        let environment = [
            "THAW_STORE": directory.store, "HOME": directory.path, "REGISTRY": registry.host,
            "USERNAME": DockerRegistry.user, "PASSWORD": DockerRegistry.password,
        ]
        for (call, pattern) in Self.calls {
            let line = "PATH=/\(folder):$PATH; " + call.replacing("thaw ", with: program + " ")
            let result = try Program(["sh", "-c", line], in: directory.path, environment: environment).wait()
            #expect(result.status == 0, "\(call): \(result.error)")
            guard let pattern else { continue }
            try directory.write("output", result.output)
            try directory.write("pattern", pattern)
            let found = try Program(["grep", "-xqf", "pattern", "output"], in: directory.path).wait()
            #expect(found.status == 0, "\(call) printed \(result.output)")
        }
    }
}
