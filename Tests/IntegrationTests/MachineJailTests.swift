import Glibc
import Harness
import Testing

/// The process in which `thaw boot` runs QEMU, for root and for a user, and its end when `thaw` is killed.
@Suite(.serialized, .enabled(if: Program.exists("qemu-system-x86_64"), "QEMU is not installed"))
struct MachineJailTests {
    /// A bench with an image that never responds, and a kernel with its modules that all users may read.
    private static let directory = Result {
        let directory = try TestDirectory.withBusybox()
        try directory.build("FROM busybox\nCMD [\"sleep\", \"1000\"]\n")
        // This start finds or fetches the kernel; its probe does not pass.
        _ = try directory.thaw("boot", "--engine", "qemu", "--timeout", "1s", "--probe", "tcp:80", "app")
        try Program.shell(
            """
            for root in '' "${THAW_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}}/thaw/kernel"; do
                for image in "$root"/boot/vmlinuz-*-cloud-amd64; do
                    [ -e "$image" ] || continue
                    release=${image##*/vmlinuz-}
                    mkdir -p kernel/boot kernel/lib/modules
                    cp "$image" kernel/boot/vmlinuz && cp -r "$root/lib/modules/$release" kernel/lib/modules/
                    chmod -R a+rX kernel && exit 0
                done
            done
            exit 1
            """, in: directory.path)
        return directory
    }

    private static let words = ["boot", "--engine", "qemu", "--timeout", "60s", "--probe", "tcp:80"]

    /// Waits until QEMU has filtered its own system calls; it is the child of the `thaw` with this store.
    private func machine(of store: String) throws -> ProcessView {
        func running() -> ProcessView? {
            ProcessView.all(named: "thaw").filter { $0.words.contains(store) }.lazy
                .flatMap { ProcessView.children(of: $0.number, named: "qemu-system-x86_64") }
                .first { $0.status["Seccomp"] == "2" }
        }
        try #require(ProcessView.wait(seconds: 60) { running() != nil })
        return try #require(running())
    }

    private func expectJail(_ machine: ProcessView) {
        let status = machine.status
        #expect(status["NoNewPrivs"] == "1")
        #expect(status["CapEff"] == "0000000000000000")
        #expect(status["CapPrm"] == "0000000000000000")
        #expect(status["Uid"]?.split(separator: " ").contains("0") == false)
        #expect(machine.shared(["mnt", "net", "pid", "ipc", "uts", "cgroup"]) == [])
        #expect(Set(machine.root).isDisjoint(with: ["root", "home", "var", "tmp", "proc", "sys", "run"]))
        let kinds = ["pipe:", "anon_inode:", "/dev/null"]
        // The kernel is open until QEMU has read it.
        let files = machine.descriptors.filter { link in link != "/kernel" && !kinds.contains { link.hasPrefix($0) } }
        // QEMU has the disk open twice: as passed to it, and as opened by its block layer.
        #expect(Set(files).count == 1 && files[0].contains("/thaw/disks/"), "\(files)")
    }

    @Test("Root's QEMU is in a jail of its own, and exits when thaw is killed", arguments: [SIGKILL])
    func root(signal: Int32) throws {
        let directory = try Self.directory.get()
        let thaw = try directory.start(Self.words + ["--kernel", "kernel/boot/vmlinuz", "app"])
        let machine = try machine(of: directory.store)
        expectJail(machine)
        thaw.signal(signal)
        _ = thaw.wait()
        #expect(ProcessView.wait(seconds: 5) { !machine.isRunning })
    }

    @Test(
        "A user's QEMU is in a jail of its own too, with and without subordinate numbers",
        .enabled(if: UnprivilegedUser.unavailableReason == nil, "\(UnprivilegedUser.unavailableReason ?? "")"),
        arguments: [UnprivilegedUser.Privileges.ranges, .nothing])
    func user(means: UnprivilegedUser.Privileges) throws {
        let directory = try TestDirectory(copying: Self.directory.get())
        let user = try UnprivilegedUser(means, in: directory)
        try directory.succeed("copy", "app", "oci:\(directory.path)/layout:app")
        try Program.shell("chmod -R a+rX layout", in: directory.path)
        try user.succeed("copy", "oci:\(directory.path)/layout:app", "app")
        let thaw = try user.start(Self.words + ["--kernel", "kernel/boot/vmlinuz", "app"])
        let machine = try machine(of: user.store)
        expectJail(machine)
        thaw.kill()
        _ = thaw.wait()
        #expect(ProcessView.wait(seconds: 5) { !machine.isRunning })
        #expect(try user.processes() == [])
    }
}
