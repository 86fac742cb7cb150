internal import Glibc

/// A container around `thaw`, started by podman and runc on a root file system of this machine's programs.
///
/// Capabilities, system calls and masks are Docker's defaults, unless an option changes them.
public struct UnprivilegedContainer: Sendable {
    /// The reason that no such container can be started here; nil if it can.
    public static let unavailableReason: String? = {
        if geteuid() != 0 { return "only root starts containers for tests" }
        for name in ["podman", "runc", "python3"] where !Program.exists(name) { return "\(name) is not installed" }
        return nil
    }()

    /// Docker's default capabilities.
    private static let capabilities =
        "chown,dac_override,fsetid,fowner,mknod,net_raw,setgid,setuid,setfcap,setpcap,net_bind_service,sys_chroot,kill,audit_write"
    private let testDirectory: TestDirectory
    private let libraries: [String]

    /// Makes a container in which the bench has the same path as outside.
    public init(_ testDirectory: TestDirectory) throws {
        self.testDirectory = testDirectory
        let links = "ldd '\(Binary.path)' | awk '$3 ~ \"^/\" { print $3 }' | xargs -n1 dirname | sort -u"
        libraries = try Program.shell(links).split(separator: "\n").map(String.init).filter {
            !$0.hasPrefix("/usr/") && !$0.hasPrefix("/lib")
        }
        try Program.shell(
            """
            mkdir -p cage/usr cage/etc/alternatives cage/tmp cage/proc cage/sys cage/dev cage/root cage/opt
            for name in bin sbin lib lib64; do ln -sfn usr/$name cage/$name; done
            printf 'root:x:0:0::/root:/bin/sh\\nuser:x:1000:1000::/tmp:/bin/sh\\n' >cage/etc/passwd
            chmod 1777 cage/tmp
            """, in: testDirectory.path)
        try testDirectory.write("cage.py", Self.profile)
        try Program.shell("python3 cage.py >docker.json", in: testDirectory.path)
    }

    /// Podman's profile without the system calls that Docker allows only with CAP_SYS_ADMIN.
    private static let profile = """
        import json, sys
        profile = json.load(open("/usr/share/containers/seccomp.json"))
        kept = set('''bpf clone clone3 fanotify_init fsconfig fsmount fsopen fspick lookup_dcookie mount mount_setattr
            move_mount open_tree perf_event_open pivot_root quotactl setdomainname sethostname setns syslog umount umount2
            unshare'''.split())
        rules = []
        for rule in profile["syscalls"]:
            only = [rule.get(key, {}).get("caps") for key in ("includes", "excludes")]
            names = [name for name in rule["names"] if name not in kept]
            if names and ["CAP_SYS_ADMIN"] not in only:
                rules.append(dict(rule, names=names))
        same = {"index": 0, "value": 0x7e020000, "valueTwo": 0, "op": "SCMP_CMP_MASKED_EQ"}
        rules.append({"names": ["clone"], "action": "SCMP_ACT_ALLOW", "args": [same]})
        rules.append({"names": ["clone3"], "action": "SCMP_ACT_ERRNO", "errnoRet": 38})
        profile["syscalls"] = rules
        profile["defaultErrnoRet"] = 1
        profile.pop("defaultErrno", None)
        json.dump(profile, sys.stdout)
        """

    /// Runs a script in the container, where `$THAW` is `thaw` with the bench's store.
    public func run(_ script: String, options: [String] = [], profile: String? = "docker") throws -> ProgramResult {
        var words = [
            "podman", "--runtime", "runc", "run", "--rm", "--network", "host", "--ulimit", "nofile=1024:1024",
            "--ulimit", "nproc=4096:4096", "--cap-drop", "all", "--cap-add", Self.capabilities, "--env",
            "THAW=\(Binary.path) --store \(testDirectory.store)", "--workdir", testDirectory.path,
        ]
        if let profile { words += ["--security-opt", "seccomp=\(testDirectory.path)/\(profile).json"] }
        let directory = Binary.path.split(separator: "/").dropLast().reduce("") { "\($0)/\($1)" }
        for path in ["/usr", "/etc/alternatives", directory] + libraries {
            words += ["--volume", "\(path):\(path):ro"]
        }
        words += ["--volume", "\(testDirectory.path):\(testDirectory.path)"] + options
        return try Program.run(words + ["--rootfs", "\(testDirectory.path)/cage", "/bin/sh", "-c", script])
    }
}
