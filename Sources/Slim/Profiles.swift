internal import ImageFiles
internal import Linux
internal import OCI

extension Planner {
    /// Keeps files that the kept programs need without naming them: each profile once, when its condition is true.
    mutating func applyProfiles() {
        let names = keptNames()
        apply(.any, if: true) { $0.keepAny() }
        apply(.certs, if: true) { $0.keepCertificates() }
        apply(.tzdata, if: true) { $0.keepTimeZones() }
        apply(.locales, if: true) { $0.keepLocales() }
        apply(.shell, if: options.keep.contains(.shell)) { $0.keepShell() }
        apply(.glibc, if: keptELF().contains { Loader.isGlibc($0.elf) }) { $0.keepGlibc() }
        apply(.openssl, if: names.contains { $0.hasPrefix("libcrypto.so") }) { $0.keepOpenSSL() }
        apply(.pam, if: names.contains { $0.hasPrefix("libpam.so") }) { $0.keepPAM() }
        apply(.perl, if: names.contains("perl")) { $0.keepPerl() }
        for version in Self.pythonVersions(names) where pythons.insert(version).inserted { keepPython(version) }
    }

    private mutating func apply(_ profile: Profile, if isWanted: Bool, _ keep: (inout Planner) -> Void) {
        if isWanted, applied.insert(profile).inserted { keep(&self) }
    }

    private func keptNames() -> Set<String> {
        var names = Set<String>()
        for node in kept.keys where tree.inode(of: node).kind.isFile {
            names.insert(String(decoding: tree[node: node].name, as: UTF8.self))
        }
        return names
    }

    private func keptELF() -> [Loader.Loaded] { kept.keys.sorted().compactMap { loader.loaded($0) } }

    private mutating func keep(_ paths: [String], _ profile: Profile) {
        for path in paths { keep(at: path, .profile(profile, by: profileCause)) }
    }

    private mutating func keep(below paths: [String], _ profile: Profile) {
        for path in paths { keep(below: path, .profile(profile, by: profileCause)) }
    }
}

// MARK: - Any program

extension Planner {
    /// Keeps the contents of distroless' base.
    ///
    /// These are accounts, names of hosts and services, the system's name, the directories of the hierarchy, and the
    /// links that merge them.
    private mutating func keepAny() {
        keep(
            [
                "/", "tmp", "var", "var/tmp", "run", "var/run", "var/log", "var/cache", "var/lib", "root", "home",
                "home/nonroot", "dev", "proc", "sys", "etc", "usr", "opt", "srv", "mnt", "bin", "sbin", "lib", "lib32",
                "lib64", "libx32",
                "etc/passwd", "etc/group", "etc/os-release", "usr/lib/os-release", "etc/debian_version",
                "etc/alpine-release",
                "etc/nsswitch.conf", "etc/hosts", "etc/host.conf", "etc/resolv.conf", "etc/gai.conf", "etc/services",
                "etc/protocols", "etc/networks", "etc/mime.types", "etc/localtime", "etc/timezone", "etc/netconfig",
            ], .any)
    }

    /// Keeps bundles and hashed directories of certificates.
    ///
    /// OpenSSL of Debian reads the directory, curl the bundle.
    private mutating func keepCertificates() {
        keep(
            below: [
                "etc/ssl/certs", "etc/ssl/cert.pem", "usr/lib/ssl/certs", "usr/lib/ssl/cert.pem", "etc/pki/tls/certs",
                "etc/pki/tls/cert.pem", "etc/pki/ca-trust/extracted", "var/lib/ca-certificates",
            ], .certs)
        if options.keep.contains(.certs) {
            keep(
                below: ["usr/share/ca-certificates", "usr/local/share/ca-certificates", "etc/ca-certificates"], .certs)
            keep(["etc/ca-certificates.conf"], .certs)
        }
    }

    /// Keeps every zone, but not the copies in `posix` and, with leap seconds, in `right`.
    private mutating func keepTimeZones() {
        let keepsAll = options.keep.contains(.tzdata)
        let copies = ["usr/share/zoneinfo/posix", "usr/share/zoneinfo/right"].map { ImagePath.known($0) }
        let tree = tree
        keep(below: "usr/share/zoneinfo", .profile(.tzdata, by: profileCause)) { node in
            let path = tree.path(of: node)
            return keepsAll || !copies.contains { path.isWithin($0) }
        }
    }

    /// Keeps the locales of C and of the image's variables, or all of them.
    private mutating func keepLocales() {
        if options.keep.contains(.locales) {
            return keep(
                below: ["usr/lib/locale", "usr/share/locale", "usr/share/i18n", "usr/share/X11/locale"], .locales)
        }
        var names = ["C.utf8", "C.UTF-8", "locale-archive"]
        for (name, value) in contents.environment where name == "LANG" || name.hasPrefix("LC_") {
            let parts = value.split(separator: ".", maxSplits: 1)
            guard let language = parts.first, !value.contains("/") else { continue }
            names.append(value)
            let charset = parts.last.map { $0.lowercased().filter { $0 != "-" } } ?? ""
            if parts.count == 2 { names.append("\(language).\(charset)") }
        }
        keep(below: names.map { "usr/lib/locale/\($0)" }, .locales)
    }

    /// Keeps a shell, its profile and the usual tools for it.
    mutating func keepShell() {
        for program in [
            "sh", "bash", "ls", "cat", "head", "tail", "more", "find", "grep", "sed", "awk", "env", "ps", "id", "pwd",
            "sleep", "test",
            "echo", "printf", "mkdir", "rm", "cp", "mv", "ln", "chmod", "chown", "dirname", "basename", "readlink",
            "true", "false",
        ] {
            if let found = contents.program(Array(program.utf8)) { keep(found, .profile(.shell, by: profileCause)) }
        }
        keep(["etc/profile", "etc/shells", "etc/bash.bashrc"], .shell)
        keep(below: ["etc/profile.d"], .shell)
    }
}

// MARK: - glibc

extension Planner {
    private static let glibcLibraries = [
        "libc.so.6", "libm.so.6", "libdl.so.2", "libpthread.so.0", "librt.so.1", "libutil.so.1",
        "libresolv.so.2", "libanl.so.1", "libnss_files.so.2", "libnss_dns.so.2", "libnss_compat.so.2", "libgcc_s.so.1",
    ]
    private static let conversions = ["ANSI_X3.110.so", "CP1252.so", "ISO8859-1.so", "ISO8859-15.so", "UNICODE.so"]

    /// Keeps glibc's libraries, the modules of getaddrinfo and iconv, and the loader's configuration.
    ///
    /// The libraries must have the same version; the modules are loaded by computed names.
    private mutating func keepGlibc() {
        var seen = Set<[UInt16]>()
        let files = keptELF().filter {
            Loader.isGlibc($0.elf) && seen.insert([$0.elf.machine, UInt16($0.elf.class.rawValue)]).inserted
        }
        let services = nameServices().map { "libnss_\($0).so.2" }
        for file in files {
            for name in Self.glibcLibraries + services {
                for match in loader.find(Array(name.utf8), for: file, loaders: [], isPrivileged: false) {
                    keep(match.found, .profile(.glibc, by: profileCause))
                }
            }
        }
        keepConversions()
        keep(["etc/ld.so.conf", "etc/ld.so.cache"], .glibc)
        keep(below: ["etc/ld.so.conf.d"], .glibc)
    }

    /// Returns the services of `nsswitch.conf`: `hosts: files mdns4_minimal [NOTFOUND=return] dns`.
    private func nameServices() -> [String] {
        let text = contents.text(at: .known("etc/nsswitch.conf")) ?? []
        var names = Set<String>()
        for line in String(decoding: text, as: UTF8.self).split(separator: "\n") where !line.hasPrefix("#") {
            for word in line.split(separator: ":").dropFirst().joined().split(separator: " ") where !word.contains("/")
            {
                names.insert(String(word))
            }
        }
        return names.sorted()
    }

    private mutating func keepConversions() {
        let charsets = contents.environment.filter { $0.name == "LANG" || $0.name.hasPrefix("LC_") }
            .compactMap { $0.value.split(separator: ".").dropFirst().first.map { "\($0.uppercased()).so" } }
        let wanted = Set(Self.conversions + charsets)
        for directory in gconvDirectories() {
            for (bytes, node) in tree.children(of: directory) {
                let name = String(decoding: bytes, as: UTF8.self)
                if wanted.contains(name) || name.hasPrefix("gconv-modules") || name.hasPrefix("UTF-") {
                    keep(node, .profile(.glibc, by: profileCause))
                }
                if name == "gconv-modules.d" { keep(below: tree.path(of: node).description, .profile(.glibc, by: profileCause)) }
            }
        }
    }

    private func gconvDirectories() -> [FileTree.NodeID] {
        ["usr/lib", "usr/lib64", "usr/lib32", "lib"].flatMap { path -> [FileTree.NodeID] in
            guard let found = tree.follow(path.utf8, from: FileTree.rootNode) else { return [] }
            let places = [found.node] + tree.children(of: found.node).map(\.node)
            return places.compactMap { tree[node: $0].children[Array("gconv".utf8)] }
        }
    }
}

// MARK: - Libraries and languages

extension Planner {
    /// Keeps the configuration, the legacy provider and the engines, which libcrypto loads from its own directory.
    private mutating func keepOpenSSL() {
        keep(
            ["etc/ssl/openssl.cnf", "usr/lib/ssl", "usr/lib/ssl/openssl.cnf", "usr/lib/ssl/private", "etc/ssl"],
            .openssl)
        for node in kept.keys.sorted() where tree[node: node].name.starts(with: "libcrypto.so".utf8) {
            for (name, child) in tree.children(of: tree[node: node].parent) {
                let isPlugins = name.starts(with: "engines-".utf8) || name.elementsEqual("ossl-modules".utf8)
                if isPlugins { keep(below: tree.path(of: child).description, .profile(.openssl, by: profileCause)) }
            }
        }
    }

    private mutating func keepPAM() {
        keep(["etc/shadow", "etc/gshadow", "etc/login.defs", "etc/pam.conf", "etc/environment"], .pam)
        keep(below: ["etc/pam.d", "etc/security"], .pam)
        for node in kept.keys.sorted() where tree[node: node].name.starts(with: "libpam.so".utf8) {
            guard let plugins = tree[node: tree[node: node].parent].children[Array("security".utf8)] else { continue }
            keep(below: tree.path(of: plugins).description, .profile(.pam, by: profileCause))
        }
    }

    private mutating func keepPerl() {
        for directory in ["usr/share", "usr/lib", "usr/local/lib", "usr/local/share", "etc"] {
            guard let found = tree.follow(directory.utf8, from: FileTree.rootNode) else { continue }
            let places =
                [found.node] + tree.children(of: found.node).filter { $0.name.contains(UInt8(ascii: "-")) }.map(\.node)
            for (name, child) in places.flatMap({ tree.children(of: $0) }) where name.starts(with: "perl".utf8) {
                keep(below: tree.path(of: child).description, .profile(.perl, by: profileCause))
            }
        }
    }

    /// Returns `3.11` for `python3.11` and `libpython3.11.so.1.0`.
    private static func pythonVersions(_ names: Set<String>) -> [String] {
        let versions = names.compactMap { name -> String? in
            for prefix in ["python", "libpython"] where name.hasPrefix("\(prefix)3.") {
                let digits = name.dropFirst(prefix.count + 2).prefix { $0.isNumber }
                return digits.isEmpty ? nil : "3.\(digits)"
            }
            return nil
        }
        return Set(versions).sorted()
    }

    /// Keeps the standard library, the packages installed with it, and the files that its extension modules read.
    ///
    /// Those are terminals, readline's settings, and `ldconfig`, with which ctypes finds libraries.
    private mutating func keepPython(_ version: String) {
        let tree = tree
        for prefix in ["usr", "usr/local"] {
            for directory in ["lib/python\(version)", "lib/python3", "lib64/python\(version)"] {
                keep(below: "\(prefix)/\(directory)", .profile(.python, by: profileCause)) { node in
                    !PythonBytecode.isCompiled(tree.path(of: node))
                        && !tree[node: node].name.elementsEqual("__pycache__".utf8)
                }
            }
        }
        keep(["sbin/ldconfig", "usr/sbin/ldconfig", "etc/inputrc"], .python)
        keep(
            below: ["etc/python\(version)", "usr/lib/terminfo", "usr/share/terminfo", "etc/terminfo", "lib/terminfo"],
            .python)
    }
}
