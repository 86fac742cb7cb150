// swift-tools-version: 6.2
import PackageDescription

// The target list corresponds to the table in README.md: a name, then its imports.
// ArchitectureTests compare the two.

/// The version of a build that is not of a tag, as from a tarball; the only place with this number.
///
/// `make` sets the variable to the number of the tag of the checked-out commit.
let version = Context.environment["THAW_VERSION"] ?? "0.1.0"

/// The abbreviated commit of a release, which `make` sets; empty for other builds.
let commit = Context.environment["THAW_COMMIT"] ?? ""

/// The compiler settings of every Swift target.
let rules: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .strictMemorySafety(),
    .treatAllWarnings(as: .error),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
]

/// The settings of the guest's PID 1: no runtime, no libc except the declarations of `CInit`, one static file.
let embedded: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableExperimentalFeature("Embedded"),
    .unsafeFlags(["-wmo", "-Osize", "-Xfrontend", "-disable-stack-protector"]),
]

/// The linker flags that reduce the startup cost of the release: less to read, relocate and keep in memory.
///
/// Packed relocations take one bit each (1.4 MB become 50 kB; of the linkers here only GNU ld can do it). The table of
/// exported names is omitted, since no program uses it.
let smallStart = [
    "-use-ld=bfd", "-Xlinker", "-z", "-Xlinker", "pack-relative-relocs", "-Xlinker", "--no-export-dynamic",
]

/// The linker flags that make the release one static, position-independent file, for `make dist`.
///
/// `make` sets the variable to the directory of a libcurl that needs only OpenSSL.
let staticLink = Context.environment["THAW_STATIC"].map { libcurl in
    ["-static-stdlib", "-Xclang-linker", "-static-pie", "-L", libcurl, "-Xlinker", "-lssl", "-Xlinker", "-lcrypto"]
}

let releaseLink = smallStart + (staticLink ?? [])

func module(_ name: String, _ dependencies: Target.Dependency...) -> Target {
    .target(name: name, dependencies: dependencies, swiftSettings: rules)
}

func tests(_ name: String, _ dependencies: Target.Dependency...) -> Target {
    .testTarget(name: name, dependencies: dependencies, swiftSettings: rules)
}

let system = Target.Dependency.product(name: "SystemPackage", package: "swift-system")
let crypto = Target.Dependency.product(name: "Crypto", package: "swift-crypto")
let arguments = Target.Dependency.product(name: "ArgumentParser", package: "swift-argument-parser")

let package = Package(
    name: "thaw",
    products: [.executable(name: "thaw", targets: ["thaw"])],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", exact: "1.8.2"),
        .package(url: "https://github.com/apple/swift-crypto", exact: "4.5.2"),
        .package(url: "https://github.com/apple/swift-system", exact: "1.8.1"),
        .package(url: "https://github.com/LebJe/TOMLKit", exact: "0.6.0"),
        .package(url: "https://github.com/jpsim/Yams", exact: "6.2.2"),
    ],
    targets: [
        .systemLibrary(name: "CArchive"),
        .systemLibrary(name: "CCurl"),
        .systemLibrary(name: "CSeccomp"),
        .target(name: "CLinux"),
        .target(name: "CInit"),
        .target(name: "CKVM"),
        .target(
            name: "CVersion",
            cSettings: [
                .define("THAW_VERSION", to: "\"\(version)\""), .define("THAW_COMMIT", to: "\"\(commit)\""),
            ]),

        module("Linux", "CLinux", system),
        module("OCI", "Linux", "CArchive", crypto, system),
        module("HTTP", "CCurl", "Linux", system),
        module("Registry", "HTTP", "OCI", "Linux", "TOMLKit", crypto, system),
        module("Frontend"),
        module("Project", "Linux", "TOMLKit", "Yams"),
        module("Sandbox", "Linux", "CLinux", "CSeccomp", system),
        module("Build", "Frontend", "HTTP", "OCI", "Sandbox", "Linux", system),
        module("ImageFiles", "OCI", "Linux", system),
        module("Analysis", "ImageFiles", "OCI", "Linux"),
        module("Slim", "ImageFiles", "OCI", "Linux"),
        module("Probe", system),
        module("Proof", "Probe", "Linux"),
        module("Disk", "OCI", "Linux", system),
        module("Guest", "Probe"),
        module("MicroVM", "Guest", "Linux", "CKVM", system),
        module("ColdStart", "Probe", "Guest", "Linux", "CLinux", "MicroVM", "Sandbox", system),

        module(
            "Jobs", "Analysis", "Build", "ColdStart", "Disk", "Frontend", "HTTP", "ImageFiles", "Linux", "OCI",
            "Probe", "Project", "Proof", "Registry", "Sandbox", "Slim", system),

        module("TTY", "Jobs", "Linux", "Registry", "Sandbox", "CVersion", system),

        .executableTarget(
            name: "thaw",
            dependencies: [
                "Analysis", "Build", "ColdStart", "Jobs", "Linux", "OCI", "Project", "Registry", "Sandbox", "TTY",
                arguments, system,
            ], swiftSettings: rules, linkerSettings: [.unsafeFlags(releaseLink, .when(configuration: .release))]),
        .executableTarget(
            name: "thaw-init", dependencies: ["CInit"], path: "Sources/Init", swiftSettings: embedded,
            linkerSettings: [.unsafeFlags(["-static-executable", "-Xlinker", "-s", "-Xlinker", "--gc-sections"])]),

        .target(name: "Support", dependencies: ["OCI", "Linux", system], path: "Tests/Support", swiftSettings: rules),
        .executableTarget(
            name: "SandboxHost", dependencies: ["Sandbox", "Linux", system], path: "Tests/SandboxHost",
            swiftSettings: rules),
        .executableTarget(
            name: "MachineStart", dependencies: ["MicroVM", system], path: "Tests/MachineStart", swiftSettings: rules),
        .target(name: "Harness", path: "Tests/Harness", swiftSettings: rules),
        tests("AnalysisTests", "Analysis", "ImageFiles", "OCI", "Linux", "Support", system),
        tests("ArchitectureTests", "Harness"),
        .testTarget(
            name: "AttackTests", dependencies: ["Harness"], path: "Tests/AttackTests",
            exclude: ["Probe", "overwrite.c", "node_race.c", "attacks.txt"], swiftSettings: rules),
        tests("BuildTests", "Build", "Frontend", "HTTP", "OCI", "Sandbox", "Linux", "Support", system),
        tests("ConformanceTests", "Build", "OCI", "Linux", "Harness", system),
        tests("ColdStartTests", "ColdStart", "Guest", "Harness", "Linux", "Probe", "Support", system),
        tests("DiskTests", "Disk", "OCI", "Linux", "Support", system),
        tests("FrontendTests", "Frontend"),
        tests("GuestTests", "Guest", "Probe"),
        tests("HTTPTests", "HTTP", "Linux", "Support", system),
        tests("ImageFilesTests", "ImageFiles", "OCI", "Linux", "Support", system),
        tests("InitTests"),
        tests("IntegrationTests", "Harness"),
        tests(
            "JobsTests", "Jobs", "Analysis", "Harness", "Build", "ColdStart", "Frontend", "HTTP", "ImageFiles", "Linux",
            "OCI", "Probe", "Project", "Proof", "Registry", "Sandbox", "Slim", "Support", system),
        tests("LinuxTests", "Linux", "Harness", "Support", system),
        tests("OCITests", "OCI", "Linux", "Support", system),
        tests(
            "MicroVMTests", "MicroVM", "Guest", "Linux", "CKVM", "Harness", "MachineStart", "Support", system),
        tests("PeerTests", "Harness"),
        tests("ProbeTests", "Probe", "Support"),
        tests("ProjectTests", "Project", "Harness", "Linux"),
        tests("ProofTests", "Probe", "Proof", "Linux"),
        tests("RegistryTests", "Registry", "HTTP", "OCI", "Linux", "Support", "Harness", system),
        tests("SandboxTests", "Sandbox", "SandboxHost", "Linux", system),
        tests("TTYTests", "TTY", "Jobs", "Linux", system),
        tests("SlimTests", "Slim", "ImageFiles", "OCI", "Linux", "Support", system),
    ]
)

// A static program without a runtime cannot be linked with a sanitizer; `make tsan` and `make asan` set the variable.
if Context.environment["THAW_SANITIZER"] != nil { package.targets.removeAll { $0.name == "thaw-init" } }
