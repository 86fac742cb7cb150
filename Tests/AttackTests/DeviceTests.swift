import Glibc
import Harness
import Testing

/// Attacks on the host's device nodes by root of a container.
@Suite(
    "Attacks on the host's devices", .serialized, .enabled(if: geteuid() == 0, "only root can change device nodes"))
struct DeviceTests {
    /// An attack on files, with the id of its case.
    struct Case: Sendable, CustomStringConvertible {
        let id: String
        /// The files; the second list is attacked only if the first was not changed.
        let files: [String]
        /// Shell commands for each `$file`.
        let commands: String
        var description: String { id }
    }

    static let cases = [
        Case(
            id: "dev-inode", files: ["/dev/full", "/dev/*"],
            commands: "touch $file; chmod 0741 $file; chown 1234:1234 $file; touch -d '2001-01-01 00:00:00' $file"),
        // Only times: a changed mode would make /dev/null unusable for the whole machine.
        Case(
            id: "mask-inode", files: ["/proc/keys /proc/timer_list /proc/interrupts /proc/kcore /proc/sched_debug"],
            commands: "touch $file; touch -d '2001-01-01 00:00:00' $file"),
        Case(
            id: "name-files", files: ["/etc/hosts /etc/resolv.conf /etc/hostname"],
            commands: "touch $file; chmod 0606 $file; chown 1234:1234 $file"),
        Case(
            id: "dev-tree", files: ["/dev /dev/shm /dev/pts /dev/mqueue"],
            commands: "chmod 0700 $file; chown 1234:1234 $file; mv $file/full $file/moved; mv $file /dev/gone"),
    ]

    /// The ways to run a container's command.
    enum Way: String, Sendable, CaseIterable {
        case run = "RUN"
        case boot = "boot CMD"
        case slim = "slim --exec"
    }

    @Test("No attribute of a host's node changes", arguments: cases, Way.allCases)
    func nodes(attack: Case, way: Way) throws {
        let before = try HostNodes()
        for files in attack.files {
            try Self.run("for file in \(files); do \(attack.commands); done 2>/dev/null; true", by: way)
            let changes = try before.changes()
            try before.restore()
            #expect(changes == [], "\(files): \(changes)")
            guard changes.isEmpty else { return }
        }
    }

    @Test("A node that the container replaces by a link while it is made changes no file of the host")
    func race() throws {
        let directory = try TestDirectory()
        try directory.write("victim", "mine\n", mode: 0o600)
        try Program.shell(
            """
            mkdir -p context/tree
            '\(try AttackProgram.compiler.get())' -static -pthread -O1 -Wall -Wextra -Werror \
                '\(Repository.path)/Tests/AttackTests/node_race.c' -o context/tree/race
            """, in: directory.path)
        try directory.build(
            "FROM scratch\nCOPY tree /\nWORKDIR /r\nRUN [\"/race\", \"/r\", \"\(directory.path)/victim\", \"20000\"]\n")
        #expect(try Program.shell("stat -c '%a %U' victim", in: directory.path) == "600 root")
    }

    /// Runs a script as root of a container; throws if it didn't run.
    private static func run(_ script: String, by way: Way) throws {
        let directory = try TestDirectory()
        try AttackProgram.fill("context/tree", in: directory)
        try directory.write("context/tree/bin/attack", "#!/bin/sh\n\(script)\necho attacked\n", mode: 0o755)
        switch way {
        case .run:
            try directory.build(Surface.base(0) + "RUN [\"/bin/attack\"]\n")
        case .boot:
            try directory.build(Surface.base(0) + "CMD [\"/bin/attack\"]\n")
            try directory.succeed("boot", "--engine", "container", "--probe", "log:^attacked", "app")
        case .slim:
            try directory.build(Surface.base(0) + "CMD [\"/bin/sleep\", \"60\"]\n")
            let outcome = try directory.thaw(
                "slim", "--engine", "container", "--exec", "/bin/attack", "-t", "slim", "app")
            guard outcome.status == 0 else { throw ProgramFailure(description: outcome.error) }
        }
    }
}
