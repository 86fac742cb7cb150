// A command as a configuration of the OCI runtime specification (config.json, version 1.0.2).

internal import Linux
internal import SystemPackage

/// The configuration of one bundle.
struct OCIConfiguration {
    let command: Command
    /// The attachments' mounts in order, each with its source and target.
    let attachments: [(source: FilePath, target: FilePath)]
    /// The network namespace to enter; nil for the host's or an empty one.
    let network: FilePath?
    /// The path of the control group that the runtime makes.
    let group: String
    let limits: [Limit]
    /// The controllers of the control group that the runtime makes; empty if thaw's own groups enforce the limits.
    let groupControllers: Set<Controller>

    var document: JSON {
        [
            "ociVersion": "1.0.2", "process": process, "root": ["path": "rootfs", "readonly": false],
            "hostname": .string(command.hostname), "mounts": .array(kernelFiles + bindings), "linux": linux,
        ]
    }

    private var capabilities: Capabilities { command.isPrivileged ? .all : command.capabilities }

    private var process: JSON {
        let account = command.account
        var environment = command.environment
        if !environment.contains(where: { $0.hasPrefix("HOME=") }) { environment.append(account.homeVariable) }
        // Runtimes look the command up in its own PATH.
        if !environment.contains(where: { $0.hasPrefix("PATH=") }) {
            environment.append("PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
        }
        let names = JSON.strings(capabilities.names)
        return [
            "terminal": false, "args": .strings(command.arguments), "env": .strings(environment),
            "cwd": .string(command.workingDirectory.string), "noNewPrivileges": .bool(command.forbidsNewPrivileges),
            "user": [
                "uid": .unsigned(UInt64(account.uid)), "gid": .unsigned(UInt64(account.gid)), "umask": 18,
                "additionalGids": .array(account.groups.map { .unsigned(UInt64($0)) }),
            ],
            "capabilities": [
                "bounding": names, "effective": account.uid == 0 ? names : [],
                "permitted": account.uid == 0 ? names : [],
                "inheritable": [], "ambient": [],
            ],
            "rlimits": .array(
                limits.compactMap { limit in
                    limit.name.map {
                        ["type": .string("RLIMIT_\($0)"), "soft": .unsigned(limit.soft), "hard": .unsigned(limit.hard)]
                    }
                }),
        ]
    }

    private var kernelFiles: [JSON] {
        let guarded = ["nosuid", "noexec", "nodev"]
        return [
            mount("proc", target: "/proc", options: guarded),
            mount("sysfs", target: "/sys", options: guarded + (command.isPrivileged ? [] : ["ro"])),
            mount("tmpfs", target: "/dev", options: ["nosuid", "mode=755", "size=65536k"]),
            mount(
                "devpts", target: "/dev/pts",
                options: ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"]),
            mount("tmpfs", target: "/dev/shm", options: guarded + ["mode=1777", "size=\(command.sharedMemorySize)"]),
            mount("mqueue", target: "/dev/mqueue", options: guarded),
        ]
    }

    private func mount(_ type: String, target: String, options: [String]) -> JSON {
        ["destination": .string(target), "type": .string(type), "source": .string(type), "options": .strings(options)]
    }

    private var bindings: [JSON] {
        attachments.map { source, target in
            // The sources are read-only mounts already; with an option the runtime would drop their other flags.
            [
                "destination": .string(target.string), "type": "bind", "source": .string(source.string),
                "options": ["rbind"],
            ]
        }
    }

    private var linux: JSON {
        var namespaces: [JSON] = ["pid", "mount", "ipc", "uts"].map { ["type": .string($0)] }
        if let network { namespaces.append(["type": "network", "path": .string(network.string)]) }
        if command.network == .none { namespaces.append(["type": "network"]) }
        var members: [JSON.Key: JSON] = [
            "namespaces": .array(namespaces), "cgroupsPath": .string(group), "resources": .object(resources),
        ]
        if !command.isPrivileged {
            members["maskedPaths"] = .strings(MaskedPaths.masked)
            members["readonlyPaths"] = .strings(MaskedPaths.readOnly)
            if command.seccomp == .standard { members["seccomp"] = seccomp }
        }
        return .object(members)
    }

    /// Docker's rules: any device node may be made, and only harmless ones may be opened.
    private var devices: JSON {
        if command.isPrivileged { return [["allow": true, "access": "rwm"]] }
        return [
            ["allow": false, "access": "rwm"], ["allow": true, "type": "c", "access": "m"],
            ["allow": true, "type": "b", "access": "m"],
        ]
    }

    /// The devices, and the limits for a runtime that makes its own groups.
    private var resources: [JSON.Key: JSON] {
        var result: [JSON.Key: JSON] = ["devices": devices]
        if let limit = command.processLimit, groupControllers.contains(.processes) {
            result["pids"] = ["limit": .integer(Int64(limit))]
        }
        if let limit = command.memoryLimit, groupControllers.contains(.memory) {
            result["memory"] = .object(memory(limit))
        }
        let cpu = cpuMembers
        if !cpu.isEmpty { result["cpu"] = .object(cpu) }
        return result
    }

    private func memory(_ limit: Int64) -> [JSON.Key: JSON] {
        var result: [JSON.Key: JSON] = ["limit": .integer(limit)]
        switch command.swapLimit {
        case nil: result["swap"] = .integer(limit)
        case .unlimited: break
        case .total(let total): result["swap"] = .integer(total)
        }
        return result
    }

    private var cpuMembers: [JSON.Key: JSON] {
        let cpus = command.cpus
        var result: [JSON.Key: JSON] = [:]
        if groupControllers.contains(.cpuTime) {
            if let quota = cpus.quota {
                result["quota"] = .integer(Int64(quota))
                result["period"] = .integer(Int64(cpus.period))
            }
            if let shares = cpus.shares { result["shares"] = .integer(Int64(shares)) }
        }
        if groupControllers.contains(.cpuSet) {
            if let set = cpus.affinity { result["cpus"] = .string("\(set)") }
            if let nodes = cpus.memoryNodes { result["mems"] = .string("\(nodes)") }
        }
        return result
    }

    private var seccomp: JSON {
        let rules = SeccompRule.standard.filter { $0.applies(to: capabilities) }
        var calls = rules.flatMap { rule -> [JSON] in
            let names = JSON.strings(rule.names)
            if rule.conditions.isEmpty { return [["names": names, "action": "SCMP_ACT_ALLOW"]] }
            return rule.conditions.map { ["names": names, "action": "SCMP_ACT_ALLOW", "args": [$0.document]] }
        }
        if !rules.contains(where: { $0.names.contains("clone3") }) {
            calls.append(["names": ["clone3"], "action": "SCMP_ACT_ERRNO", "errnoRet": 38])
        }
        return [
            "defaultAction": "SCMP_ACT_ERRNO", "defaultErrnoRet": 1,
            "architectures": .strings(SeccompArchitecture.names),
            "syscalls": .array(calls),
        ]
    }
}

extension SeccompRule.Condition {
    fileprivate var document: JSON {
        switch self {
        case .equal(let value): ["index": 0, "value": .unsigned(UInt64(value)), "op": "SCMP_CMP_EQ"]
        case .notEqual(let value): ["index": 0, "value": .unsigned(UInt64(value)), "op": "SCMP_CMP_NE"]
        case .clear(let bits):
            ["index": 0, "value": .unsigned(UInt64(bits)), "valueTwo": 0, "op": "SCMP_CMP_MASKED_EQ"]
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

    /// CAP_MKNOD: device nodes may be made.
    static let makeNodes = Capabilities(rawValue: 1 << 27)

    fileprivate var names: [String] {
        Self.all41.enumerated().filter { rawValue >> UInt64($0.offset) & 1 == 1 }.map { "CAP_\($0.element)" }
    }
}
