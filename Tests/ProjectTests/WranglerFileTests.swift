import Linux
import Testing

@testable import Project

/// The containers of wrangler files.
@Suite struct WranglerFileTests {
    private static let app = WranglerFile.WorkerContainer(
        name: "App", environment: nil, image: "./Dockerfile", context: "..", arguments: ["V": "1"],
        instance: .named("basic"))

    static let forms: [(name: String, text: String)] = [
        (
            "wrangler.jsonc",
            """
            { // a comment with "quotes"
              "name": "x", /* and
              another */ "containers": [
                {"class_name": "App", "image": "./Dockerfile", "image_build_context": "..",
                 "image_vars": {"V": "1",}, "instance_type": "basic", "max_instances": 3,},
              ],
            }
            """
        ),
        (
            "wrangler.toml",
            """
            name = "x"
            [[containers]]
            class_name = "App"
            image = "./Dockerfile"
            image_build_context = ".."
            image_vars = { V = "1" }
            instance_type = "basic"
            max_instances = 3
            """
        ),
    ]

    @Test("JSON with comments and TOML have the same containers", arguments: forms)
    func reads(name: String, text: String) throws {
        #expect(try WranglerFile(parsing: text, name: name).containers == [Self.app])
    }

    @Test("Several images, environments and sizes of their own are read")
    func several() throws {
        let file = try WranglerFile(
            parsing: """
                {"containers": [{"class_name": "A", "scheduling_policy": "durable_object",
                    "images": {"web": {"dockerfile": "web/Dockerfile", "build_context": ".", "build_vars": {"X": "//"}},
                               "db": {"image": "db@sha256:1"}}}],
                 "env": {"test": {"containers": [{"class_name": "B", "image": "b:1",
                    "instance_type": {"vcpu": 1.5, "memory_mib": 4608, "disk_mb": 4000}}]}}}
                """, name: "wrangler.json")
        #expect(file.containers.map(\.name) == ["A/db", "A/web", "B"])
        #expect(file.containers.map(\.image) == ["db@sha256:1", "web/Dockerfile", "b:1"])
        #expect(file.containers[1].arguments == ["X": "//"])
        #expect(file.containers.map(\.environment) == [nil, nil, "test"])
        #expect(
            file.containers[2].instance
                == .custom(vcpu: 1.5, memory: ByteCount(4608 << 20), disk: ByteCount(4_000_000_000)))
    }

    static let wrong: [(text: String, message: String)] = [
        (#"{"containers": [{"class_name": "A"}]}"#, "w.json: the container A has no 'image'"),
        (#"{"containers": [{}]}"#, "w.json: the container 1 has no 'image'"),
        (#"{"containers": [{"images": {"x": {}}}]}"#, "w.json: the container 1/x has no 'dockerfile'"),
        (#"{"containers": {}}"#, "w.json: 'containers' is not a list"), ("[]", "w.json: it is not an object"),
        (
            #"{"containers": [{"class_name": "A", "image": "x", "memory": "512MB", "cpu": 1}]}"#,
            "w.json: the container A has 'memory', which wrangler no longer reads"
        ),
        (
            #"{"containers": [{"name": "A", "configuration": {"image": "x"}}]}"#,
            "w.json: the container A has 'configuration.image', which wrangler no longer reads"
        ),
        (
            #"{"containers": [{"image": "x", "instance_type": 1}]}"#,
            "w.json: 'instance_type' of the container 1 is neither a name nor an object"
        ),
    ]

    @Test("A wrong file is refused in one sentence", arguments: wrong)
    func refuses(text: String, message: String) {
        let error = #expect(throws: WranglerError.self) { try WranglerFile(parsing: text, name: "w.json") }
        #expect(error?.description == message)
    }

    @Test("Text that is cut off or random is refused or read, and never ends the process")
    func hostile() {
        for (name, text) in Self.forms {
            let bytes = Array(text.utf8)
            for end in bytes.indices {
                _ = try? WranglerFile(parsing: String(decoding: bytes[..<end], as: UTF8.self), name: name)
            }
            for place in bytes.indices {
                var other = bytes
                other[place] = UInt8.random(in: 0...127)
                _ = try? WranglerFile(parsing: String(decoding: other, as: UTF8.self), name: name)
            }
        }
    }
}
