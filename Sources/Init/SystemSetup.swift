import CInit

/// Sets up the environment that an image expects, on a bare kernel; the steps are in the order of their dependencies.
struct SystemSetup {
    let spec: BootSpec

    private static let nosuid: UInt = 2
    private static let nodev: UInt = 4
    private static let noexec: UInt = 8
    private static let readOnly: UInt = 1

    /// The control group that counts the entrypoint's memory.
    static let cgroup: StaticString = "/sys/fs/cgroup/image"

    /// Mounts devtmpfs, before anything else can be opened.
    static func mountDevices() {
        _ = cinit_make_directory("/dev", 0o755)
        _ = cinit_mount("devtmpfs", "/dev", "devtmpfs", nosuid, "mode=755")
        cinit_fill_standard()
    }

    /// Loads the modules and enters the image's root: a read-only disk below, a tmpfs above.
    func enterRoot() throws(Message.StartFailure) {
        for module in spec.modules { try OpenModule(module).load() }
        try awaitRootDevice()
        _ = cinit_make_directory("/disk", 0o755)
        _ = cinit_make_directory("/upper", 0o755)
        _ = cinit_make_directory("/root", 0o755)
        try mountDisk()
        try mount("tmpfs", at: "/upper", as: "tmpfs", 0, "mode=755")
        _ = cinit_make_directory("/upper/upper", 0o755)
        _ = cinit_make_directory("/upper/work", 0o755)
        try mount(
            "overlay", at: "/root", as: "overlay", 0, "lowerdir=/disk,upperdir=/upper/upper,workdir=/upper/work")
        try check(.mount, of: bytes("/root"), error: cinit_enter_root("/root"))
    }

    /// Mounts the file systems and makes the links that every container has.
    func prepareSystem() throws(Message.StartFailure) {
        let plain = SystemSetup.nosuid | SystemSetup.nodev | SystemSetup.noexec
        try mount("proc", at: "/proc", as: "proc", plain, "")
        try mount("sysfs", at: "/sys", as: "sysfs", plain, "")
        try mount("cgroup2", at: "/sys/fs/cgroup", as: "cgroup2", plain, "")
        countMemory()
        try mount("tmpfs", at: "/dev", as: "tmpfs", SystemSetup.nosuid, "mode=755,size=65536k")
        try mount(
            "devpts", at: "/dev/pts", as: "devpts", SystemSetup.nosuid | SystemSetup.noexec,
            "newinstance,ptmxmode=0666,mode=0620,gid=5")
        try mount("tmpfs", at: "/dev/shm", as: "tmpfs", plain, "mode=1777,size=65536k")
        makeDevices()
        // Message queues are optional in a kernel.
        try? mount("mqueue", at: "/dev/mqueue", as: "mqueue", plain, "")
        // As in Docker: everyone may use ports below 1024, because the machine runs only this image.
        replace("/proc/sys/net/ipv4/ip_unprivileged_port_start", with: bytes("0"))
        _ = cinit_interface_up(withCString(bytes("lo")) { cinit_interface($0) })
        if let network = spec.network { try connect(network) }
        protectKernel()
        _ = withCString(spec.hostname) { cinit_set_hostname($0, UInt(spec.hostname.count)) }
        let files = NetworkFiles(
            hostname: spec.hostname, address: spec.network?.address, nameserver: spec.network?.nameserver)
        makeDirectories(bytes("/etc"))
        replace("/etc/hostname", with: files.name)
        replace("/etc/hosts", with: files.hosts)
        replace("/etc/resolv.conf", with: files.resolver)
        link("/proc/mounts", at: "/etc/mtab")
    }

    /// Configures the addresses of the network card.
    private func connect(_ network: BootSpec.NetworkCard) throws(Message.StartFailure) {
        let name = bytes("eth0")
        let interface = try awaitInterface(name)
        try check(.network, of: name, error: cinit_add_address(interface, network.address, network.prefix))
        try check(.network, of: name, error: cinit_interface_up(interface))
        try check(.network, of: name, error: cinit_add_default_route(interface, network.gateway))
    }

    private func awaitInterface(_ name: [UInt8]) throws(Message.StartFailure) -> UInt32 {
        for _ in 0..<1_000 {
            let interface = withCString(name) { cinit_interface($0) }
            if interface != 0 { return interface }
            cinit_sleep(1_000_000)
        }
        throw Message.StartFailure(stage: .network, errno: 0, subject: name)
    }

    /// Mounts a disk that is memory with DAX if the kernel supports it, else like any disk.
    private func mountDisk() throws(Message.StartFailure) {
        func mount(_ options: UnsafePointer<CChar>?) -> Int32 {
            withCString(spec.rootDevice) { cinit_mount($0, "/disk", "erofs", SystemSetup.readOnly, options) }
        }
        if spec.rootDevice.starts(with: bytes("/dev/pmem")), withCString(bytes("dax"), mount) == 0 { return }
        try check(.mount, of: spec.rootDevice, error: mount(nil))
    }

    private func awaitRootDevice() throws(Message.StartFailure) {
        for _ in 0..<5_000 {
            if withCString(spec.rootDevice, { cinit_exists($0) }) != 0 { return }
            cinit_sleep(1_000_000)
        }
        throw Message.StartFailure(stage: .disk, errno: 0, subject: spec.rootDevice)
    }

    /// As in Docker: the kernel's settings are read-only, also for the image's root.
    private func protectKernel() {
        let paths: [StaticString] = ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"]
        let (remount, bind): (UInt, UInt) = (32, 4_096)
        let plain = SystemSetup.nosuid | SystemSetup.nodev | SystemSetup.noexec
        for path in paths {
            withCString(bytes(path)) { path in
                guard cinit_mount(path, path, nil, bind, nil) == 0 else { return }
                _ = cinit_mount(nil, path, nil, bind | remount | SystemSetup.readOnly | plain, nil)
            }
        }
    }

    private func countMemory() {
        let controllers = bytes("+memory")
        _ = controllers.withUnsafeBytes {
            cinit_write_file("/sys/fs/cgroup/cgroup.subtree_control", $0.baseAddress, UInt($0.count))
        }
        makeDirectories(bytes(SystemSetup.cgroup))
    }

    private func makeDevices() {
        let devices: [(StaticString, UInt32, UInt32)] = [
            ("/dev/null", 1, 3), ("/dev/zero", 1, 5), ("/dev/full", 1, 7), ("/dev/random", 1, 8),
            ("/dev/urandom", 1, 9), ("/dev/tty", 5, 0),
        ]
        for (path, major, minor) in devices {
            _ = withCString(bytes(path)) { cinit_make_character_device($0, 0o666, major, minor) }
        }
        let links: [(StaticString, StaticString)] = [
            ("/proc/self/fd", "/dev/fd"), ("/proc/self/fd/0", "/dev/stdin"), ("/proc/self/fd/1", "/dev/stdout"),
            ("/proc/self/fd/2", "/dev/stderr"), ("pts/ptmx", "/dev/ptmx"), ("/proc/kcore", "/dev/core"),
        ]
        for (target, path) in links { link(target, at: path) }
    }

    /// Makes a symbolic link, unless the path exists.
    private func link(_ target: StaticString, at path: StaticString) {
        _ = withCString(bytes(target)) { target in withCString(bytes(path)) { cinit_link(target, $0) } }
    }

    private func mount(
        _ source: StaticString, at target: StaticString, as type: StaticString, _ flags: UInt, _ data: StaticString
    ) throws(Message.StartFailure) {
        makeDirectories(bytes(target))
        let error = withCString(bytes(source)) { source in
            withCString(bytes(target)) { target in
                withCString(bytes(type)) { type in
                    withCString(bytes(data)) { cinit_mount(source, target, type, flags, $0) }
                }
            }
        }
        try check(.mount, of: bytes(target), error: error)
    }
}

/// A module that was opened while its file was still reachable.
struct OpenModule {
    private let path: [UInt8]
    private let descriptor: Int32

    init(_ path: [UInt8]) throws(Message.StartFailure) {
        self.path = path
        descriptor = withCString(path) { cinit_open($0) }
        try check(.module, of: path, error: descriptor)
    }

    /// Loads the module; call it once.
    func load() throws(Message.StartFailure) {
        let error = cinit_load_module(descriptor)
        cinit_close(descriptor)
        try check(.module, of: path, error: error)
    }
}

/// Throws a failure for a negative errno.
func check(_ stage: Message.StartStep, of subject: [UInt8], error: Int32) throws(Message.StartFailure) {
    guard error < 0 else { return }
    throw Message.StartFailure(stage: stage, errno: UInt32(-error), subject: subject)
}
