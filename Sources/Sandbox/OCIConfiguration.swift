// A command as the OCI runtime specification tells it (config.json, version 1.0.2).

internal import SystemPackage

/// The document of one bundle.
struct OCIConfiguration {
    let command: Command
    /// The attachments' mounts in order: where each is, and where it goes.
    let attachments: [(source: FilePath, target: FilePath)]
    /// The network namespace to enter, where that is neither the host's nor an empty one.
    let network: FilePath?
    /// The control group, for runtimes that want one.
    let group: String
    let limits: [Limit]
    /// The controllers of the control group that the runtime makes; empty if ours keep the limits.
    let groupControllers: Set<Controller>

    var document: JSON {
        [
            "ociVersion": "1.0.2", "process": process, "root": ["path": "rootfs", "readonly": false],
            "hostname": .text(command.hostname), "mounts": .list(kernelFiles + bindings), "linux": linux,
        ]
    }

    private var capabilities: Capabilities { command.isPrivileged ? .all : command.capabilities }

    private var process: JSON {
        let account = command.account
        var environment = command.environment
        if !environment.contains(where: { $0.hasPrefix("HOME=") }) { environment.append("HOME=\(account.home)") }
        // Runtimes look the command up in the PATH that it gets.
        if !environment.contains(where: { $0.hasPrefix("PATH=") }) {
            environment.append("PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
        }
        let names = JSON.texts(capabilities.names)
        return [
            "terminal": false, "args": .texts(command.arguments), "env": .texts(environment),
            "cwd": .text(command.workingDirectory.string), "noNewPrivileges": .flag(command.forbidsNewPrivileges),
            "user": [
                "uid": .number(UInt64(account.uid)), "gid": .number(UInt64(account.gid)), "umask": 18,
                "additionalGids": .list(account.groups.map { .number(UInt64($0)) }),
            ],
            "capabilities": [
                "bounding": names, "effective": account.uid == 0 ? names : [],
                "permitted": account.uid == 0 ? names : [],
                "inheritable": [], "ambient": [],
            ],
            "rlimits": .list(
                limits.compactMap { limit in
                    limit.name.map {
                        ["type": .text("RLIMIT_\($0)"), "soft": .number(limit.soft), "hard": .number(limit.hard)]
                    }
                }),
        ]
    }

    private var kernelFiles: [JSON] {
        let guarded = ["nosuid", "noexec", "nodev"]
        return [
            mount("proc", "/proc", guarded),
            mount("sysfs", "/sys", guarded + (command.isPrivileged ? [] : ["ro"])),
            mount("tmpfs", "/dev", ["nosuid", "mode=755", "size=65536k"]),
            mount("devpts", "/dev/pts", ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"]),
            mount("tmpfs", "/dev/shm", guarded + ["mode=1777", "size=\(command.sharedMemorySize)"]),
            mount("mqueue", "/dev/mqueue", guarded),
        ]
    }

    private func mount(_ type: String, _ target: String, _ options: [String]) -> JSON {
        ["destination": .text(target), "type": .text(type), "source": .text(type), "options": .texts(options)]
    }

    private var bindings: [JSON] {
        attachments.map { source, target in
            // Read-only mounts are that already; an option would make the runtime forget the mount's other ones.
            ["destination": .text(target.string), "type": "bind", "source": .text(source.string), "options": ["rbind"]]
        }
    }

    private var linux: JSON {
        var namespaces: [JSON] = ["pid", "mount", "ipc", "uts"].map { ["type": .text($0)] }
        if let network { namespaces.append(["type": "network", "path": .text(network.string)]) }
        if command.network == .none { namespaces.append(["type": "network"]) }
        var members: [(key: String, value: JSON)] = [
            ("namespaces", .list(namespaces)), ("cgroupsPath", .text(group)),
            ("resources", .object([(key: "devices", value: devices)] + resources)),
        ]
        if !command.isPrivileged {
            members += [("maskedPaths", .texts(Hidden.masked)), ("readonlyPaths", .texts(Hidden.readOnly))]
            if command.seccomp == .standard { members.append(("seccomp", seccomp)) }
        }
        return .object(members)
    }

    /// As Docker's: any node may be made, and only the harmless ones opened.
    private var devices: JSON {
        if command.isPrivileged { return [["allow": true, "access": "rwm"]] }
        return [
            ["allow": false, "access": "rwm"], ["allow": true, "type": "c", "access": "m"],
            ["allow": true, "type": "b", "access": "m"],
        ]
    }

    /// The limits for a runtime that makes its own groups.
    private var resources: [(key: String, value: JSON)] {
        var result: [(key: String, value: JSON)] = []
        if let limit = command.processLimit, groupControllers.contains(.processes) {
            result.append(("pids", ["limit": .number(UInt64(max(limit, 0)))]))
        }
        if let limit = command.memoryLimit, groupControllers.contains(.memory) {
            let swap = swap(limit).map { [(key: "swap", value: $0)] } ?? []
            result.append(("memory", .object([(key: "limit", value: .number(UInt64(limit)))] + swap)))
        }
        let cpu = cpuMembers
        if !cpu.isEmpty { result.append(("cpu", .object(cpu))) }
        return result
    }

    /// The limit of memory and swap together; nil for none.
    private func swap(_ limit: Int64) -> JSON? {
        switch command.swapLimit {
        case nil: .number(UInt64(limit))
        case .unlimited: nil
        case .total(let total): .number(UInt64(total))
        }
    }

    private var cpuMembers: [(key: String, value: JSON)] {
        let cpus = command.cpus
        var result: [(key: String, value: JSON)] = []
        if groupControllers.contains(.cpuTime) {
            if let quota = cpus.quota {
                result += [("quota", .number(UInt64(quota))), ("period", .number(UInt64(cpus.period)))]
            }
            if let shares = cpus.shares { result.append(("shares", .number(UInt64(shares)))) }
        }
        if groupControllers.contains(.cpuSet) {
            if let set = cpus.affinity { result.append(("cpus", .text("\(set)"))) }
            if let nodes = cpus.memoryNodes { result.append(("mems", .text("\(nodes)"))) }
        }
        return result
    }

    private var seccomp: JSON {
        let rules = SeccompRule.standard.filter { $0.applies(to: capabilities) }
        var calls = rules.flatMap { rule -> [JSON] in
            let names = JSON.texts(rule.names)
            if rule.conditions.isEmpty { return [["names": names, "action": "SCMP_ACT_ALLOW"]] }
            return rule.conditions.map { ["names": names, "action": "SCMP_ACT_ALLOW", "args": [$0.document]] }
        }
        if !rules.contains(where: { $0.names.contains("clone3") }) {
            calls.append(["names": ["clone3"], "action": "SCMP_ACT_ERRNO", "errnoRet": 38])
        }
        return [
            "defaultAction": "SCMP_ACT_ERRNO", "defaultErrnoRet": 1, "architectures": .texts(SeccompArchitecture.names),
            "syscalls": .list(calls),
        ]
    }
}

extension SeccompRule.Condition {
    fileprivate var document: JSON {
        switch self {
        case .equal(let value): ["index": 0, "value": .number(UInt64(value)), "op": "SCMP_CMP_EQ"]
        case .notEqual(let value): ["index": 0, "value": .number(UInt64(value)), "op": "SCMP_CMP_NE"]
        case .clear(let bits):
            ["index": 0, "value": .number(UInt64(bits)), "valueTwo": 0, "op": "SCMP_CMP_MASKED_EQ"]
        }
    }
}

extension SeccompArchitecture {
    #if arch(x86_64)
        fileprivate static let names = ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32"]
    #elseif arch(arm64)
        fileprivate static let names = ["SCMP_ARCH_AARCH64", "SCMP_ARCH_ARM"]
    #endif
}

extension Capabilities {
    /// The kernel's names, by number.
    private static let all41 = """
        CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID KILL SETGID SETUID SETPCAP LINUX_IMMUTABLE NET_BIND_SERVICE
        NET_BROADCAST NET_ADMIN NET_RAW IPC_LOCK IPC_OWNER SYS_MODULE SYS_RAWIO SYS_CHROOT SYS_PTRACE SYS_PACCT
        SYS_ADMIN SYS_BOOT SYS_NICE SYS_RESOURCE SYS_TIME SYS_TTY_CONFIG MKNOD LEASE AUDIT_WRITE AUDIT_CONTROL SETFCAP
        MAC_OVERRIDE MAC_ADMIN SYSLOG WAKE_ALARM BLOCK_SUSPEND AUDIT_READ PERFMON BPF CHECKPOINT_RESTORE
        """.split(whereSeparator: \.isWhitespace)

    /// What may make device nodes.
    static let makeNodes = Capabilities(rawValue: 1 << 27)

    fileprivate var names: [String] {
        Self.all41.enumerated().filter { rawValue >> UInt64($0.offset) & 1 == 1 }.map { "CAP_\($0.element)" }
    }
}
