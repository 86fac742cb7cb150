import Build
import Jobs
import OCI
import Project
import Testing

/// Values of options, parsed into the types of a build.
@Suite struct RequestTests {
    @Test(
        "Fields are separated by commas, and quotes enclose a whole field",
        arguments: [
            ("a", ["a"]), ("a,b", ["a", "b"]), ("\"a,b\",c", ["a,b", "c"]), ("\"a\"\"b\"", ["a\"b"]), ("", [""]),
            ("a,", ["a", ""]),
        ])
    func fields(line: String, fields: [String]) throws {
        #expect(try CSV.fields(line, "-o") == fields)
    }

    @Test("A quote inside a field is refused", arguments: ["a\"b", "\"a", "\"a\"b"])
    func quotes(line: String) throws {
        #expect(try #require(throws: Failure.self) { try CSV.fields(line, "-o") }.status == .usage)
    }

    @Test(
        "Sizes have Docker's units, which are binary",
        arguments: [
            ("65536", 65_536), ("64m", 64 << 20), ("1.5g", 3 << 29), ("1kb", 1024), ("2KiB", 2048), ("7b", 7), ("0", 0),
        ])
    func sizes(text: String, bytes: Int64) throws { #expect(try size(text, "--memory") == bytes) }

    @Test("Text that is no size is refused", arguments: ["", "m", "-1", "1x", "nan", "9e30"])
    func noSizes(text: String) throws {
        #expect(try #require(throws: Failure.self) { try size(text, "--memory") }.message.contains("--memory"))
    }

    /// A limit, its text, and a part of the error.
    private static let wrongLimits: [(RunLimit, String, String)] = [
        (.memory, "1m", "is too small: the minimum is 6m"), (.cpus, "0", "is not a number of CPUs"),
        (.pids, "0", "is not a number from 1 to 4194304"), (.cpuShares, "1", "from 2 to 262144"),
        (.cpusetCPUs, "a", "is not a list"), (.timeout, "0s", "is not a time"), (.timeout, "soon", "is not a time"),
    ]

    @Test("A wrong limit names the option", arguments: wrongLimits.indices)
    func limits(index: Int) throws {
        let (limit, text, message) = Self.wrongLimits[index]
        var options = BuildRequest.RunOptions()
        let failure = try #require(throws: Failure.self) { try limit.apply(text, from: "--x", to: &options) }
        #expect(failure.message.hasPrefix("--x '\(text)'"))
        #expect(failure.message.contains(message), "\(failure.message)")
    }

    @Test("Platforms are listed once, and local is this machine's")
    func platforms() throws {
        #expect(try Platform.list(nil) == [.host])
        #expect(try Platform.list("linux/arm64, local,linux/arm64").map(\.description).first == "linux/arm64")
        #expect(try Platform.list("linux/arm64, local,linux/arm64").count == 2)
    }

    @Test("NAME=VALUE has a name and takes everything behind the first =", arguments: ["a", "=a", ""])
    func namedValues(wrong: String) throws {
        #expect(try pairs(["a=b=c", "d="], "--label") == ["a": "b=c", "d": ""])
        #expect(throws: Failure.self) { try pairs([wrong], "--label") }
    }

    @Test("--build-arg takes precedence over thaw.toml, and without = it has the value of the environment")
    func arguments() {
        var project = ProjectFile()
        project.build.args = ["A": "1", "B": "2"]
        #expect(buildArguments(["A=3", "NO_SUCH_VARIABLE"], project) == ["A": "3", "B": "2"])
        #expect(buildArguments(["B"], project) == ["A": "1"])
    }

    @Test("The limits of a collection are a size and an age")
    func collection() throws {
        let limits = try Store.CollectionLimits(keepingBytes: "10GB", olderThan: "1h30m")
        #expect(limits.bytes == 10_000_000_000 && limits.usedSince != nil)
        #expect(try Store.CollectionLimits(keepingBytes: nil, olderThan: nil) == Store.CollectionLimits())
        #expect(throws: Failure.self) { try Store.CollectionLimits(keepingBytes: "much", olderThan: nil) }
        #expect(throws: Failure.self) { try Store.CollectionLimits(keepingBytes: nil, olderThan: "5") }
    }

    @Test("Limits that contradict each other are refused")
    func contradictions() throws {
        var both = BuildRequest.RunOptions()
        try RunLimit.cpus.apply("1", from: "--cpus", to: &both)
        try RunLimit.cpuQuota.apply("50000", from: "--cpu-quota", to: &both)
        #expect(throws: Failure.self) { try RunLimit.expectConsistent(both) }
        var swap = BuildRequest.RunOptions()
        try RunLimit.memorySwap.apply("1g", from: "--memory-swap", to: &swap)
        #expect(throws: Failure.self) { try RunLimit.expectConsistent(swap) }
        try RunLimit.memory.apply("2g", from: "--memory", to: &swap)
        #expect(throws: Failure.self) { try RunLimit.expectConsistent(swap) }
        try RunLimit.memorySwap.apply("-1", from: "--memory-swap", to: &swap)
        try RunLimit.expectConsistent(swap)
    }

    @Test(
        "Outputs are those of buildx",
        arguments: [
            ("type=oci,dest=a.tar", Output.Kind.oci, "a.tar"), ("out", .local, "out"), ("-", .tar, "-"),
            ("type=tar,dest=-", .tar, "-"), ("type=cacheonly", .cacheonly, ""), ("type=image,name=a", .image, ""),
        ])
    func outputs(text: String, kind: Output.Kind, destination: String) throws {
        let output = try Output(parsing: text)
        #expect((output.kind, output.destination ?? "") == (kind, destination))
    }

    @Test(
        "A wrong output is refused with the reason",
        arguments: [
            ("type=oic,dest=a", "is no type of output"), ("type=oci", "dest is missing"),
            ("dest=a,name=b", "has no type"), ("type=local,dest=-", "a directory cannot be stdout"),
            ("type=image,nmae=a", "has no key 'nmae'"),
            ("type=oci,dest=a,compression-level=3", "compression-level needs compression"),
            ("type=docker,dest=a,oci-mediatypes=false,compression=zstd", "Docker has no media type for zstd"),
        ])
    func wrongOutputs(text: String, message: String) throws {
        let failure = try #require(throws: Failure.self) { try Output(parsing: text) }
        #expect(failure.message.contains(message), "\(failure.message)")
        #expect(failure.status == .usage)
    }

    @Test("Without outputs a build goes to the store; --push adds a registry, and one place is written once")
    func lists() throws {
        #expect(try Output.all([], load: false, push: false).map(\.kind) == [.image])
        #expect(try Output.all([], load: false, push: true).map(\.kind) == [.registry])
        #expect(try Output.all(["out"], load: true, push: true).map(\.isPushed) == [false, true])
        #expect(throws: Failure.self) { try Output.all(["-", "type=oci,dest=-"], load: false, push: false) }
    }

    @Test("An image is pushed under a name, and annotations of an index need several platforms")
    func checks() throws {
        func check(_ text: String, _ names: [Reference] = [], annotation: String? = nil) throws {
            var annotations = Annotations()
            if let annotation { try annotations.add(parsing: annotation) }
            try Output.check(
                [try Output(parsing: text)], annotations, names: names, platforms: [.host], host: FakeHost())
        }
        #expect(try #require(throws: Failure.self) { try check("type=registry") }.remedy?.contains("-t NAME") == true)
        try check("type=registry", [Reference("h:5000/a")])
        #expect(throws: Failure.self) { try check("type=image", annotation: "index:a=b") }
        try check("type=image", annotation: "manifest:a=b")
    }

    @Test(
        "A cache has a type and the place of that type",
        arguments: ["type=local", "type=registry,dest=x", "type=gha", "type=local,dest=a,mode=most", "a=b"])
    func caches(text: String) throws {
        #expect(
            try #require(throws: Failure.self) { try CacheLocation(text, "--cache-to", path: "dest") }.status == .usage)
        #expect(try CacheLocation("type=inline", "--cache-to", path: "dest").isInline)
        #expect(throws: Failure.self) { try CacheLocation("type=inline", "--cache-from", path: "src") }
    }

    @Test("Only instructions that change the configuration are applied by import --change")
    func changes() throws {
        var config = ImageConfig(platform: .host)
        let changes = try ConfigChanges(["CMD [\"a\"]", "ENV A=1", "USER app", "EXPOSE 80", "WORKDIR /w", "LABEL k=v"])
        try changes.apply(to: &config)
        #expect(config.command == ["a"] && config.environment.last == "A=1" && config.user == "app")
        #expect(config.exposedPorts == ["80/tcp"] && config.workingDirectory == "/w" && config.labels == ["k": "v"])
        let failure = try #require(throws: Failure.self) { try ConfigChanges(["RUN x"]) }
        #expect(failure.message == "--change cannot apply RUN")
    }
}
