import ImageFiles
import Linux
import OCI
import Slim
import Support
import Testing

/// Programs that are run by others: the cases of slimming, made of small files.
@Suite("A program that another one runs") struct CommandTests {
    /// Makes an image with a shell, tools and conversions, in packages of the base, and an application.
    private static func kept(
        _ app: [(LayerEntry, [UInt8])], runs arguments: [String], _ options: SlimOptions = SlimOptions()
    ) async throws -> Set<String> {
        let tools = ["dash", "date", "ls", "tar", "gzip", "xz", "sha256sum", "sleep", "bash", "git", "nginx", "cron"]
        var base = try glibc() + tools.map { try program("usr/bin/\($0)", .program(needs: ["libc.so.6"])) }
        base += try [
            symlink("usr/bin/sh", "dash"), directory("usr/lib/x86_64-linux-gnu/gconv"),
            file(
                "usr/lib/x86_64-linux-gnu/gconv/gconv-modules",
                "alias SHIFT_JIS// SJIS//\nmodule SJIS// INTERNAL SJIS 1\nmodule EUC-JP// INTERNAL EUC-JP 1\n"),
            library("usr/lib/x86_64-linux-gnu/gconv/SJIS.so"), library("usr/lib/x86_64-linux-gnu/gconv/EUC-JP.so"),
            library("usr/lib/x86_64-linux-gnu/gconv/IBM037.so"), file("usr/share/zoneinfo/Asia/Tokyo", "zone"),
        ]
        let owned = base.map { $0.0.path.description }.filter { !$0.contains("gconv/gconv-modules") }
        let database = try dpkg([("base", "Essential: yes", owned)])
        return try await Sample([base + database, app], runs: arguments).kept(options)
    }

    private static let perl = "#!/usr/local/bin/perl\nprint `date -u +%Y`; my $x = qx(ls /);\n"

    @Test("child-output, perl-ticks: Commands in backticks, qx, system and pipes of a script are kept")
    func perl() async throws {
        let found = try await Self.kept(
            [
                file("app/x.pl", Self.perl), file("app/y.pl", "open(my $f, '-|', 'git log'); system(\"sleep 1\");\n"),
                program("usr/local/bin/perl", .program(calling: ["perl_parse"])),
            ], runs: ["/usr/local/bin/perl", "/app/x.pl"])
        for name in ["date", "ls", "sh", "git", "sleep"] { #expect(found.contains("/usr/bin/\(name)"), "\(name)") }
        #expect(!found.contains("/usr/bin/sha256sum"))
    }

    @Test("Commands in calls of Python, JavaScript, Ruby and PHP are kept, and words elsewhere are not")
    func languages() async throws {
        for (name, text, isKept) in [
            ("a.py", "import subprocess\nsubprocess.run(['date', '-u'])\n", true),
            ("a.py", "os.system('date')\n", true), ("a.py", "cursor.execute('select date from x')\n", false),
            ("a.py", "app.run('date')\n", false), ("a.js", "require('child_process').execFile(\"date\")\n", true),
            ("a.js", "re.exec('date')\n", false), ("a.rb", "puts `date`\n", true),
            ("a.php", "<?= shell_exec('date') ?>", true),
            ("a.txt", "`date`", false), ("a.js", "const x = `date`; // child_process\n", false),
        ] {
            let found = try await Self.kept(
                [file("app/\(name)", text), program("app/run", ELFMaker())], runs: ["/app/run"])
            #expect(found.contains("/usr/bin/date") == isKept, "\(name): \(text)")
        }
    }

    @Test("A program with the names of many programs contains them, as busybox does", arguments: [30, 60])
    func multicall(count: Int) async throws {
        let names = (0..<count).map { "applet\($0)" }
        let tools = try names.map { try program("usr/bin/\($0)", ELFMaker()) }
        let owned = try dpkg([("tools", "Essential: yes", names.map { "/usr/bin/\($0)" })])
        let box = ELFMaker.program(calling: ["execvp"], texts: names)
        let found = try await Sample([glibc() + tools + owned, [program("box", box)]], runs: ["/box"]).kept()
        #expect(found.contains("/usr/bin/applet7") == (count < 40))
    }

    @Test("popen: Commands in the texts of a program that can run some are kept, with a shell")
    func native() async throws {
        for (symbols, texts, isKept, hasShell) in [
            (["popen"], ["ls -l /"], true, true), (["system"], ["ls"], true, true),
            (["popen"], ["cat x | ls"], true, true), (["execvp"], ["ls"], true, false),
            (["execve"], ["ls"], false, false), (["execve"], ["/usr/bin/ls"], true, false),
            (["read"], ["ls"], false, false),
        ] {
            let found = try await Self.kept(
                [program("app/run", .program(calling: symbols, texts: texts))], runs: ["/app/run"])
            #expect(found.contains("/usr/bin/ls") == isKept, "\(symbols) \(texts)")
            #expect(found.contains("/usr/bin/dash") == hasShell, "\(symbols) \(texts)")
        }
    }

    @Test("popen: Named conversions of iconv are kept; all of them if a program of the application names none")
    func conversions() async throws {
        let gconv = "/usr/lib/x86_64-linux-gnu/gconv/"
        for (texts, names) in [
            (["EUC-JP"], ["EUC-JP.so"]), (["shift_jis//TRANSLIT"], ["SJIS.so"]),
            (["hello"], ["EUC-JP.so", "IBM037.so", "SJIS.so"]),
        ] {
            let found = try await Self.kept(
                [program("app/run", .program(calling: ["iconv_open"], texts: texts))], runs: ["/app/run"])
            #expect(found.filter { $0.hasPrefix(gconv) && $0.hasSuffix(".so") }.sorted() == names.map { gconv + $0 })
        }
        let plain = try await Self.kept([program("app/run", .program(calling: ["read"]))], runs: ["/app/run"])
        #expect(!plain.contains { $0.hasPrefix(gconv) && $0.hasSuffix(".so") })
    }

    @Test("php-ext: A conversion that a script of PHP names is kept")
    func php() async throws {
        let found = try await Self.kept(
            [
                file("app/x.php", "<?php echo iconv('UTF-8', 'SHIFT_JIS', $x);"),
                program("usr/bin/php8.2", .program(calling: ["php_module_startup"])),
                library("usr/lib/php/20220829/mbstring.so", needs: ["libc.so.6"]), file("etc/php/8.2/cli/php.ini", "x"),
            ], runs: ["/usr/bin/php8.2", "/app/x.php"])
        #expect(found.contains("/usr/lib/x86_64-linux-gnu/gconv/SJIS.so"))
        #expect(found.isSuperset(of: ["/usr/lib/php/20220829/mbstring.so", "/etc/php/8.2/cli/php.ini"]))
    }

    @Test("entry-roles: Programs that a script's commands imply are kept")
    func implied() async throws {
        let script = "#!/bin/sh\ncase $1 in backup) tar -czf /tmp/x . && sha256sum /tmp/x;; esac\n"
        let found = try await Self.kept([file("opt/entry.sh", script, mode: 0o755)], runs: ["/opt/entry.sh", "serve"])
        #expect(found.isSuperset(of: ["/usr/bin/tar", "/usr/bin/gzip", "/usr/bin/sha256sum", "/usr/bin/dash"]))
        #expect(!found.contains("/usr/bin/xz"))
    }

    @Test("supervisor: The commands in the configuration of a supervisor are kept")
    func supervisor() async throws {
        let text =
            "[program:c]\ncommand=bash -c 'while sleep 5; do date > /tmp/stamp; done'\n[program:n]\ncommand=nginx\n"
        let found = try await Self.kept(
            [file("etc/supervisor/conf.d/app.conf", text), program("usr/local/bin/supervisord", ELFMaker())],
            runs: ["supervisord"])
        for name in ["bash", "sleep", "date", "nginx"] { #expect(found.contains("/usr/bin/\(name)"), "\(name)") }
        let cron = try await Self.kept([file("etc/cron.d/app", "* * * * * root date\n")], runs: ["cron", "-f"])
        #expect(cron.isSuperset(of: ["/etc/cron.d/app", "/usr/bin/date", "/usr/bin/dash"]))
    }

    @Test("renamed: An interpreter under another name is known by its functions")
    func renamed() async throws {
        let modules = try [file("usr/share/perl/5.36/strict.pm", "1;"), file("usr/lib/python3.11/os.py", "x")]
        for (symbol, path) in [
            ("perl_parse", "/usr/share/perl/5.36/strict.pm"), ("Py_BytesMain", "/usr/lib/python3.11/os.py"),
        ] {
            let entries = try modules + dpkg([("lib", "", modules.map { $0.0.path.description })])
            let sample = try Sample(
                [glibc() + entries, [program("usr/local/bin/app", .program(calling: [symbol]))]], runs: ["app"])
            let found = try await sample.kept()
            #expect(found.contains(path), "\(symbol)")
            #expect(found.count { $0.hasPrefix("/usr/share/perl") || $0.hasPrefix("/usr/lib/python") } == 1)
        }
    }

    @Test("Time zones are kept only for programs that read the local time, or can't tell")
    func zones() async throws {
        for (maker, isKept) in [
            (ELFMaker.program(calling: ["localtime_r"]), true), (.program(calling: ["read"]), false),
            (ELFMaker(), false),
        ] {
            let found = try await Self.kept([program("app/run", maker)], runs: ["/app/run"])
            #expect(found.contains("/usr/share/zoneinfo/Asia/Tokyo") == isKept)
        }
    }
}

@Suite("A plugin") struct PluginTests {
    @Test("nginx-modules: A package that the user installed for a used one is kept, and one for another is not")
    func requested() async throws {
        let files = try [
            program("usr/sbin/server", ELFMaker()), directory("usr/lib/server/plugins"),
            library("usr/lib/server/plugins/echo.so", needs: ["libecho.so.1"]), library("usr/lib/libecho.so.1"),
            library("usr/lib/server/plugins/auto.so"), program("usr/bin/other", ELFMaker()),
            file("var/lib/apt/extended_states", "Package: auto\nArchitecture: amd64\nAuto-Installed: 1\n"),
        ]
        let database = try dpkg([
            ("server", "", ["/usr/sbin/server", "/usr/lib/server/plugins"]),
            ("echo", "Depends: server", ["/usr/lib/server/plugins/echo.so"]),
            ("libecho", "", ["/usr/lib/libecho.so.1"]),
            ("auto", "Depends: server", ["/usr/lib/server/plugins/auto.so"]),
            ("other", "Depends: server", ["/usr/bin/other"]),
        ])
        let found = try await Sample([glibc() + files + database], runs: ["server"]).kept()
        #expect(found.isSuperset(of: ["/usr/lib/server/plugins/echo.so", "/usr/lib/libecho.so.1"]))
        #expect(found.isDisjoint(with: ["/usr/lib/server/plugins/auto.so", "/usr/bin/other"]))
    }

    @Test("sinatra: Ruby's libraries of the distribution are kept")
    func ruby() async throws {
        let files = try [
            program("usr/bin/ruby3.1", .program(calling: ["ruby_init"])),
            file("usr/lib/ruby/vendor_ruby/sinatra.rb", "x"),
            file("usr/share/rubygems-integration/all/specifications/sinatra.gemspec", "x"),
        ]
        let found = try await Sample(
            [glibc() + files + dpkg([("ruby", "", files.map { $0.0.path.description })])], runs: ["ruby3.1", "app.rb"]
        ).kept()
        #expect(found.isSuperset(of: files.map { $0.0.path.description }))
    }
}
