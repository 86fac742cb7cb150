internal import Build
internal import ColdStart
public import Linux
public import OCI
internal import Sandbox
internal import SystemPackage

/// The examination of this machine, which tries each feature.
public enum Doctor {
    /// The result of one check.
    public struct Check: Sendable, Equatable {
        /// The feature.
        public let name: String
        /// True if the machine offers it.
        public let isAvailable: Bool
        /// The way in which it is offered, or the reason that it is not.
        public let detail: String
        /// The remedy; nil if nothing is missing, or none is known.
        public var remedy: String?

        fileprivate var json: JSON {
            var json = JSON.object(["name": .string(name), "available": .bool(isAvailable), "detail": .string(detail)])
            json["remedy"] = remedy.map(JSON.string)
            return json
        }
    }

    /// Returns the document of `thaw doctor --format json`.
    public static func document(_ checks: [Check]) -> JSON {
        .document("doctor", ["findings": .array(checks.map(\.json))])
    }

    /// Returns the checks for people, each with its remedy below.
    public static func text(_ checks: [Check]) -> String {
        checks.map { check in
            "\(check.isAvailable ? "yes" : "no ")  \(check.name): \(check.detail)"
                + (check.remedy.map { "\n       \($0)" } ?? "")
        }.joined(separator: "\n")
    }

    /// Checks all features that thaw uses; `store` is the place of overlay mounts.
    public static func examine(_ store: Store) async -> [Check] {
        let path = FilePath(store.path.string)
        return [kernel()] + (await isolation(store))
            + [
                users(), network(), limits(), canMount ? overlay(path) : nil, kvm(),
                tool("qemu-system-x86_64", "the microVM engine", package: "qemu-system-x86"),
            ].compactMap(\.self)
            + [await guestKernel(), initialProgram()]
            + [
                tool("git", "repositories as contexts and in ADD", package: "git"),
                tool("skopeo", "a second opinion on images", package: "skopeo"),
                tool("fsck.erofs", "a second opinion on root disks", package: "erofs-utils"),
                tool("mmdebstrap", "base images for the fixtures", package: "mmdebstrap"),
            ]
    }

    private static func kernel() -> Check {
        let release = (try? OwnedDescriptor("/proc/sys/kernel/osrelease").readAll(limit: 256)) ?? []
        return Check(
            name: "Linux", isAvailable: true, detail: String(decoding: release.filter { $0 != 10 }, as: UTF8.self))
    }

    /// Returns the isolation of RUN, and the reason that each stronger one does not work.
    private static func isolation(_ store: Store) async -> [Check] {
        let name = "isolation of RUN"
        do {
            let snapshots = try Snapshots(store)
            let area = try snapshots.makeWorkArea()
            let ladder = try await IsolationLadder.climb(in: area)
            try snapshots.removeWorkArea(area)
            return [finding(ladder, name)]
                + ladder.unavailable.filter { ladder.chosen != nil && $0.reason != "" }.map {
                    Check(
                        name: "isolation by \($0.isolation.rawValue)", isAvailable: false, detail: $0.reason,
                        remedy: $0.remedy)
                }
        } catch {
            return [Check(name: name, isAvailable: false, detail: "\(error)")]
        }
    }

    private static func finding(_ ladder: IsolationLadder, _ name: String) -> Check {
        guard let chosen = ladder.chosen else {
            let error = NoIsolation(unavailable: ladder.unavailable)
            return Check(name: name, isAvailable: false, detail: "\(error)", remedy: error.remedy)
        }
        let devices = ladder.missingDevices.isEmpty ? "" : ", without \(ladder.missingDevices.joined(separator: ", "))"
        return Check(name: name, isAvailable: true, detail: "\(chosen.rawValue): \(detail(of: chosen))\(devices)")
    }

    private static func detail(of isolation: Isolation) -> String {
        switch (isolation, UserNamespace.status) {
        case (.chroot, _): "only a changed root; the surrounding container isolates"
        case (_, .privileged): "this is root"
        case (_, .single): "user \(UserNamespace.user) is the only user of a user namespace"
        default: "user \(UserNamespace.user) is root of a user namespace"
        }
    }

    /// Returns whether RUN can have users other than root.
    private static func users() -> Check? {
        let name = "other users in RUN"
        switch UserNamespace.status {
        case .ranges:
            let isLent = UserNamespace.user != 0
            return Check(
                name: name, isAvailable: true, detail: isLent ? "those of /etc/subuid and /etc/subgid" : "root's own"
            )
        case .single(let reason):
            return Check(name: name, isAvailable: false, detail: "\(reason)", remedy: reason.remedy)
        case .privileged, .refused, nil: return nil
        }
    }

    private static var canMount: Bool { if case .refused = UserNamespace.status { false } else { true } }
    /// Tries to make a network for RUN.
    private static func network() -> Check {
        let name = "networks of their own for RUN"
        do {
            guard let reason = try Network.tryIsolation() else {
                return Check(name: name, isAvailable: true, detail: "pasta connects them")
            }
            return Check(
                name: name, isAvailable: false, detail: "\(reason); RUN has no network",
                remedy: "\(reason.remedy), or allow this machine's network by --network=host")
        } catch {
            return Check(name: name, isAvailable: false, detail: "\(error); RUN has no network")
        }
    }

    /// Returns the limits that control groups can enforce.
    private static func limits() -> Check {
        let name = "limits of memory, processes and CPUs"
        let (kept, missing) = (Container.enforcedLimits, Container.missingLimits)
        guard !missing.isEmpty else {
            return Check(name: name, isAvailable: true, detail: "by control groups: \(kept.joined(separator: ", "))")
        }
        return Check(
            name: name, isAvailable: false,
            detail: "no control group can be made for \(missing.joined(separator: ", "))"
                + (kept.isEmpty ? "" : ", only for \(kept.joined(separator: ", "))"),
            remedy: UnenforcedLimit.remedy)
    }

    /// Tries an overlay mount inside the store, since support depends on its file system.
    private static func overlay(_ store: FilePath) -> Check {
        let name = "overlay mounts in the store"
        do {
            let root = try Directory(store)
            let area: FilePath = "thaw/ingest/doctor"
            try root.removeTree(area)
            for part in ["upper", "work", "lower"] { try root.makeDirectories(area.appending(part)) }
            let base = store.appending(area.components)
            let mount = try Mount.overlay(
                lowers: [base.appending("lower")], upper: base.appending("upper"), work: base.appending("work"))
            _ = try mount.root(named: base)
            try root.removeTree(area)
            return Check(name: name, isAvailable: true, detail: "\(store)")
        } catch {
            return Check(
                name: name, isAvailable: false, detail: "\(error)",
                remedy: "put the store on ext4, xfs, btrfs or tmpfs with --store")
        }
    }

    private static func kvm() -> Check {
        let name = "KVM for the microVM engine"
        guard let reason = KvmEngine.unavailableReason() else {
            return Check(name: name, isAvailable: true, detail: "/dev/kvm runs guests on the processor")
        }
        return Check(
            name: name, isAvailable: false, detail: reason,
            remedy: "QEMU then emulates the machine, about ten times slower")
    }

    private static func guestKernel() async -> Check {
        let name = "a guest kernel"
        do {
            let kernel = try await Kernel.locate(cache: Environment.cache)
            return Check(name: name, isAvailable: true, detail: kernel.release)
        } catch {
            return Check(name: name, isAvailable: false, detail: "\(error)", remedy: error.remedy)
        }
    }

    private static func initialProgram() -> Check {
        do {
            return Check(name: "the guest's init", isAvailable: true, detail: try InitialProgram.locate().string)
        } catch {
            return Check(name: "the guest's init", isAvailable: false, detail: "\(error)", remedy: error.remedy)
        }
    }

    private static func tool(_ name: String, _ use: String, package: String) -> Check {
        let path = (Environment["PATH"] ?? "/usr/bin:/bin").split(separator: ":").map { FilePath("\($0)/\(name)") }
            .first(where: fileExists)
        return Check(
            name: "\(name), \(use)", isAvailable: path != nil, detail: path?.string ?? "not installed",
            remedy: path == nil ? "apt-get install \(package)" : nil)
    }
}
