import Glibc
import Harness
import Testing

/// Limits of RUN and of the container engine: they hold, and messages name them.
@Suite struct LimitTests {
    private func build(_ line: String, _ options: String...) throws -> ProgramResult {
        let directory = try TestDirectory.withBusybox()
        try directory.write("context/Dockerfile", "FROM busybox\n\(line)\n")
        return try directory.start(["build", "--progress", "plain", "-t", "app"] + options + ["context"]).wait()
    }

    @Test(
        "A RUN that exceeds its memory fails with a message that names the limit",
        arguments: [["--memory", "128m"], ["-m", "128MiB"], ["--resource", "memory=134217728"]])
    func memory(options: [String]) throws {
        let directory = try TestDirectory.withBusybox()
        try directory.write("context/Dockerfile", "FROM busybox\nRUN dd if=/dev/zero of=/dev/null bs=700M count=1\n")
        let outcome = try directory.start(["build", "--progress", "quiet"] + options + ["context"]).wait()
        #expect(outcome.status == 1)
        #expect(
            outcome.stderrLines.first?.hasPrefix(
                "thaw: Dockerfile:2: /bin/sh -c dd if=/dev/zero of=/dev/null bs=700M count=1: "
                    + "RUN ran out of memory (limit 128 MiB): it ") == true, "\(outcome.error)")
        #expect(try directory.start(["build", "--memory", "1g", "context"]).wait().status == 0)
    }

    @Test("A RUN sees only the CPUs of its limit")
    func cpus() throws {
        let line = "RUN echo cpus=$(nproc) online=$(cat /sys/devices/system/cpu/online)"
        #expect(try build(line, "--cpus", "1").error.contains(/cpus=1 online=[0-9]+\n/))
        #expect(try build(line, "--cpus", "0.5").error.contains(/cpus=1 online=[0-9]+\n/))
        #expect(try build(line, "--cpuset-cpus", "0").error.contains("cpus=1 online=0\n"))
        let count = try Program.shell("nproc")
        #expect(try build(line, "--cpus", count).error.contains("cpus=\(count) "))
    }

    @Test("A RUN that exceeds its processes fails", arguments: ["--pids", "--pids-limit"])
    func processes(option: String) throws {
        let outcome = try build("RUN for i in 1 2 3 4 5 6 7 8 9; do sleep 100 & done; kill %1", option, "5")
        #expect(outcome.status == 1)
        #expect(outcome.error.contains("can't fork"), "\(outcome.error)")
    }

    @Test("A RUN that takes longer than its limit is killed and named")
    func time() throws {
        let outcome = try build("RUN echo begun; sleep 1000", "--timeout", "2s")
        #expect(outcome.status == 1)
        #expect(
            outcome.stderrLines == [
                "thaw: Dockerfile:2: /bin/sh -c echo begun; sleep 1000: RUN did not end within 2s", "    begun",
            ], "\(outcome.error)")
        #expect(try build("RUN true", "--timeout", "10m").status == 0)
    }

    @Test("A debug session has the limits of its step, unless options replace them")
    func debug() throws {
        let directory = try TestDirectory.withBusybox()
        try directory.write("context/Dockerfile", "FROM busybox\nRUN false\n")
        let options = ["--memory", "128m", "--cpus", "1", "--pids", "7", "--ulimit", "nofile=99", "--timeout", "1m"]
        let others = ["--add-host", "other:192.0.2.7", "--shm-size", "8m"]
        let build = try directory.start(["build", "--progress", "quiet"] + options + others + ["context"])
        #expect(build.wait().status == 1)
        let script = "nproc; ulimit -n; grep -c other /etc/hosts; df -m /dev/shm | awk 'END { print $2 }'"
        #expect(try directory.succeed("debug", "--", "sh", "-c", script) == "1\n99\n1\n8")
        let memory = try directory.thaw("debug", "--", "dd", "if=/dev/zero", "of=/dev/null", "bs=700M", "count=1")
        #expect(memory.status != 0)
        #expect(
            try directory.thaw("debug", "-m", "1g", "dd", "if=/dev/zero", "of=/dev/null", "bs=700M", "count=1").status
                == 0)
        let forks = "for i in 1 2 3 4 5 6 7 8 9; do sleep 100 & done; true"
        #expect(try directory.thaw("debug", "sh", "-c", forks).error.contains("can't fork"))
        #expect(try directory.thaw("debug", "--pids", "50", "sh", "-c", forks).status == 0)
        let late = try directory.thaw("debug", "--timeout", "2s", "sleep", "161803")
        #expect(late.status == 1)
        #expect(late.stderrLines == ["thaw: the command did not end within 2s"], "\(late.error)")
        #expect(try Program.shell("pgrep -f 'sleep 16180[3]' | wc -l") == "0")
        #expect(try directory.thaw("debug", "--memory", "lots", "true").status == 64)
    }

    @Test("A build that takes longer than its limit ends, and leaves no process")
    func buildTime() throws {
        let directory = try TestDirectory.withBusybox()
        try directory.write("context/Dockerfile", "FROM busybox\nRUN sleep 161804\n")
        let outcome = try directory.thaw("build", "--progress", "quiet", "--build-timeout", "2s", "context")
        #expect(outcome.status == 1)
        #expect(outcome.stderrLines == ["thaw: the build did not end within 2s"], "\(outcome.error)")
        #expect(try Program.shell("pgrep -f 'sleep 16180[4]' | wc -l") == "0")
        #expect(try directory.faults() == [])
    }

    @Test(
        "An invalid limit is wrong usage",
        arguments: [
            ["--memory", "lots"], ["--memory", "1m"], ["--cpus", "0"], ["--cpus", "many"], ["--pids", "0"],
            ["--cpu-quota", "10"], ["--cpu-period", "1"], ["--cpu-shares", "1"], ["--cpuset-cpus", "1-"],
            ["--cpuset-mems", "x"], ["--timeout", "soon"], ["--timeout", "0s"], ["--build-timeout", "-1"],
            ["--memory-swap", "1g"], ["--memory", "1g", "--memory-swap", "512m"],
            ["--cpus", "1", "--cpu-quota", "5000"],
            ["--resource", "memory"], ["--resource", "speed=1"], ["--resource", "memory=x"],
        ])
    func usage(options: [String]) throws {
        let directory = try TestDirectory.withBusybox()
        try directory.write("context/Dockerfile", "FROM busybox\nRUN true\n")
        let outcome = try directory.start(["build", "--progress", "quiet"] + options + ["context"]).wait()
        #expect(outcome.status == 64, "\(outcome.error)")
        #expect(outcome.error.hasPrefix("thaw: ") || outcome.error.hasPrefix("Error: "), "\(outcome.error)")
    }

    @Test(
        "CPUs that this machine doesn't have are named", arguments: [["--cpus", "8000"], ["--cpuset-cpus", "8000"]])
    func tooManyCPUs(options: [String]) throws {
        let directory = try TestDirectory.withBusybox()
        try directory.write("context/Dockerfile", "FROM busybox\nRUN true\n")
        let outcome = try directory.start(["build", "--progress", "quiet"] + options + ["context"]).wait()
        #expect(outcome.status == 3)
        #expect(outcome.stderrLines.first?.contains("8000") == true, "\(outcome.error)")
    }

    @Test("A machine without control groups refuses limits that it can't keep, and notes weaker ones")
    func withoutGroups() throws {
        try #require(geteuid() == 0, "only root can hide control groups")
        let directory = try TestDirectory.withBusybox()
        try directory.write("context/Dockerfile", "FROM busybox\nRUN ulimit -d; nproc\n")
        let build = { (options: String) in
            try Program.run(
                [
                    "unshare", "--mount", "--propagation", "private", "sh", "-ec",
                    "mount -t tmpfs none /sys/fs/cgroup; exec \"$@\"", "sh", Binary.path, "--store", directory.store,
                    "build", "--no-cache", "--progress", "plain",
                ] + options.split(separator: " ").map(String.init) + ["context"], in: directory.path)
        }
        let refused = try build("--userns host --pids 50")
        #expect(refused.status == 3)
        #expect(
            refused.stderrLines.first
                == "thaw: Dockerfile:2: the limit of processes cannot be set: no control group can be made for it here",
            "\(refused.error)")
        #expect(refused.stderrLines.count == 2)
        #expect(try build("--cpu-quota 50000").status == 3)
        #expect(try build("--memory 64m --memory-swap 128m").status == 3)
        let weaker = try build("--memory 64m --cpus 1")
        #expect(weaker.status == 0)
        #expect(weaker.error.contains("note: the limit of memory holds for each process, not for all together"))
        #expect(weaker.error.contains("note: the limit of CPU time is enforced by CPU affinity"))
        #expect(weaker.error.contains("[0:2] 65536\n[0:2] 1\n"), "\(weaker.error)")
        let plain = try build("--userns host")
        #expect(plain.status == 0)
        #expect(plain.error.contains("note: the limit of processes cannot be set"))
    }

    @Test("A container that exceeds its memory is reported, and sees only its CPUs")
    func container() throws {
        let directory = try TestDirectory.withBusybox()
        try directory.build("FROM busybox\nCMD dd if=/dev/zero of=/dev/null bs=700M count=1; echo $?; exit 1\n")
        let small = try directory.thaw(
            "boot", "--engine", "container", "--probe", "tcp:8080", "--memory", "128MiB", "--cpus", "1", "app")
        #expect(small.status == 1)
        #expect(small.stderrLines.first == "thaw: the program ran out of memory (128 MiB)", "\(small.error)")
        try directory.build("FROM busybox\nCMD echo cpus=$(nproc) $(cat /sys/devices/system/cpu/online).; sleep 1000\n")
        try directory.succeed(
            "boot", "--engine", "container", "--probe", "log:^cpus=1 [0-9]+\\.$", "--cpus", "1", "--timeout", "30s",
            "app")
        let many = try directory.thaw("boot", "--engine", "container", "--probe", "tcp:8080", "--cpus", "64", "app")
        #expect(many.status == 3)
        #expect(many.stderrLines.first?.hasPrefix("thaw: 64 processors are requested, but this machine has ") == true)
    }

    @Test(
        "A guest that runs out of memory is reported",
        .enabled(if: Program.exists("qemu-system-x86_64"), "qemu-system-x86 is not installed"))
    func guest() throws {
        let directory = try TestDirectory.withBusybox()
        try directory.build("FROM busybox\nCMD tail /dev/zero\n")
        let outcome = try directory.thaw(
            "boot", "--engine", "qemu", "--probe", "tcp:8080", "--memory", "128MiB", "--timeout", "10m", "app")
        #expect(outcome.status == 1)
        #expect(outcome.stderrLines.first == "thaw: the program ran out of memory (128 MiB)", "\(outcome.error)")
    }

    @Test("A container's processes are limited, and a microVM's can't be")
    func containerProcesses() throws {
        let directory = try TestDirectory.withBusybox()
        try directory.build(
            "FROM busybox\nCMD for i in 1 2 3 4 5 6 7 8 9; do sleep 100 & done; echo all; sleep 1000\n")
        let boot = ["boot", "--probe", "log:^all$", "--timeout", "20s", "app", "--engine"]
        #expect(try directory.start(boot + ["container"]).wait().status == 0)
        let limited = try directory.start(boot + ["container", "--pids", "5"]).wait()
        #expect(limited.status == 1)
        #expect(limited.stderrLines.joined().contains("can't fork"), "\(limited.error)")
        #expect(try directory.start(boot + ["qemu", "--pids", "5"]).wait().status == 64)
    }

    @Test("Images that slim starts are limited too")
    func slim() throws {
        let directory = try TestDirectory.withBusybox()
        try directory.build("FROM busybox\nCMD dd if=/dev/zero of=/dev/null bs=700M count=1 && httpd -f -p 8080\n")
        let outcome = try directory.thaw(
            "slim", "--engine", "container", "--probe", "tcp:8080", "--memory", "128MiB", "--cpus", "1", "--pids", "50",
            "-t", "app:slim", "app")
        #expect(outcome.status == 1)
        #expect(
            outcome.stderrLines.first?.contains("the program ran out of memory (128 MiB)") == true, "\(outcome.error)")
        #expect(try directory.thaw("slim", "--cpus", "1", "-t", "app:slim", "app").status == 64)
    }
}
