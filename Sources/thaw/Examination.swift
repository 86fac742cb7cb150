import Build
import ColdStart
import Glibc
import Linux
import OCI
import Sandbox
import SystemPackage

/// The checks of `thaw doctor`, which try each feature of the machine.
enum Examination {
    /// The result of one check.
    struct Finding {
        let name: String
        let isThere: Bool
        let detail: String
        var remedy: String?

        var json: JSON {
            var json = JSON.object(["name": .string(name), "available": .bool(isThere), "detail": .string(detail)])
            json["remedy"] = remedy.map(JSON.string)
            return json
        }
    }

    static func findings(of store: Store) async -> [Finding] {
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

    private static func kernel() -> Finding {
        let release = (try? OwnedDescriptor("/proc/sys/kernel/osrelease").readAll(limit: 256)) ?? []
        return Finding(
            name: "Linux", isThere: true, detail: String(decoding: release.filter { $0 != 10 }, as: UTF8.self))
    }

    /// Returns the isolation of RUN, and the reason that each stronger one does not work.
    private static func isolation(_ store: Store) async -> [Finding] {
        let name = "isolation of RUN"
        do {
            let snapshots = try Snapshots(store)
            let area = try snapshots.makeWorkArea()
            let ladder = try await IsolationLadder.climb(in: area)
            try snapshots.removeWorkArea(area)
            return [finding(ladder, name)]
                + ladder.obstacles.filter { ladder.chosen != nil && $0.reason != "" }.map {
                    Finding(
                        name: "isolation by \($0.isolation.rawValue)", isThere: false, detail: $0.reason,
                        remedy: $0.remedy)
                }
        } catch {
            return [Finding(name: name, isThere: false, detail: "\(error)")]
        }
    }

    private static func finding(_ ladder: IsolationLadder, _ name: String) -> Finding {
        guard let chosen = ladder.chosen else {
            let error = NoIsolation(obstacles: ladder.obstacles)
            return Finding(name: name, isThere: false, detail: "\(error)", remedy: error.remedy)
        }
        let devices = ladder.missingDevices.isEmpty ? "" : ", without \(ladder.missingDevices.joined(separator: ", "))"
        return Finding(name: name, isThere: true, detail: "\(chosen.rawValue): \(detail(of: chosen))\(devices)")
    }

    private static func detail(of isolation: Isolation) -> String {
        switch (isolation, UserNamespace.standing) {
        case (.chroot, _): "only a changed root; the surrounding container isolates"
        case (_, .privileged): "this is root"
        case (_, .single): "user \(UserNamespace.user) is the only user of a user namespace"
        default: "user \(UserNamespace.user) is root of a user namespace"
        }
    }

    /// Returns whether RUN can have users other than root.
    private static func users() -> Finding? {
        let name = "other users in RUN"
        switch UserNamespace.standing {
        case .ranges:
            let isLent = UserNamespace.user != 0
            return Finding(
                name: name, isThere: true, detail: isLent ? "those of /etc/subuid and /etc/subgid" : "root's own"
            )
        case .single(let reason):
            return Finding(name: name, isThere: false, detail: "\(reason)", remedy: reason.remedy)
        case .privileged, .refused, nil: return nil
        }
    }

    private static var canMount: Bool { if case .refused = UserNamespace.standing { false } else { true } }
    /// Tries to make a network for RUN.
    private static func network() -> Finding {
        let name = "networks of their own for RUN"
        do {
            guard let obstacle = try Network.tryIsolation() else {
                return Finding(name: name, isThere: true, detail: "pasta connects them")
            }
            return Finding(
                name: name, isThere: false, detail: "\(obstacle); RUN has no network",
                remedy: "\(obstacle.remedy), or allow this machine's network by --network=host")
        } catch {
            return Finding(name: name, isThere: false, detail: "\(error); RUN has no network")
        }
    }

    /// Returns the limits that control groups can enforce.
    private static func limits() -> Finding {
        let name = "limits of memory, processes and CPUs"
        let (kept, missing) = (Container.keptLimits, Container.missingLimits)
        guard !missing.isEmpty else {
            return Finding(name: name, isThere: true, detail: "by control groups: \(kept.joined(separator: ", "))")
        }
        return Finding(
            name: name, isThere: false,
            detail: "no control group can be made for \(missing.joined(separator: ", "))"
                + (kept.isEmpty ? "" : ", only for \(kept.joined(separator: ", "))"),
            remedy: LimitShortfall.remedy)
    }

    /// Tries an overlay mount inside the store, since support depends on its file system.
    private static func overlay(_ store: FilePath) -> Finding {
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
            return Finding(name: name, isThere: true, detail: "\(store)")
        } catch {
            return Finding(
                name: name, isThere: false, detail: "\(error)",
                remedy: "put the store on ext4, xfs, btrfs or tmpfs with --store")
        }
    }

    private static func kvm() -> Finding {
        let name = "KVM for the microVM engine"
        guard let obstacle = KvmEngine.obstacle() else {
            return Finding(name: name, isThere: true, detail: "/dev/kvm runs guests on the processor")
        }
        return Finding(
            name: name, isThere: false, detail: obstacle,
            remedy: "QEMU then emulates the machine, about ten times slower")
    }

    private static func guestKernel() async -> Finding {
        let name = "a guest kernel"
        do {
            let kernel = try await Kernel.locate(cache: Cache.path)
            return Finding(name: name, isThere: true, detail: kernel.release)
        } catch {
            return Finding(name: name, isThere: false, detail: "\(error)", remedy: error.remedy)
        }
    }

    private static func initialProgram() -> Finding {
        do {
            return Finding(name: "the guest's init", isThere: true, detail: try InitialProgram.locate().string)
        } catch {
            return Finding(name: "the guest's init", isThere: false, detail: "\(error)", remedy: error.remedy)
        }
    }

    private static func tool(_ name: String, _ use: String, package: String) -> Finding {
        let path = (Environment["PATH"] ?? "/usr/bin:/bin").split(separator: ":").map { FilePath("\($0)/\(name)") }
            .first(where: fileExists)
        return Finding(
            name: "\(name), \(use)", isThere: path != nil, detail: path?.string ?? "not installed",
            remedy: path == nil ? "apt-get install \(package)" : nil)
    }
}
