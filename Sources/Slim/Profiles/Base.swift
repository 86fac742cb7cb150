internal import ImageFiles
internal import Linux
internal import OCI

extension Planner {
    /// Keeps files that the kept programs need without naming them: each profile once, when its condition is true.
    mutating func applyProfiles() {
        let found = KeptFacts(self)
        apply(.any, if: true) { $0.keepAny() }
        apply(.certs, if: true) { $0.keepCertificates() }
        apply(.tzdata, if: found.usesTimeZones || options.keep.contains(.tzdata)) { $0.keepTimeZones() }
        apply(.locales, if: true) { $0.keepLocales() }
        apply(.shell, if: options.keep.contains(.shell)) { $0.keepShell() }
        if !found.glibc.isEmpty {
            apply(.glibc, if: true) { $0.keepGlibc(found.glibc) }
            keepConversions(found)
        }
        apply(.openssl, if: found.has("libcrypto.so")) { $0.keepOpenSSL() }
        apply(.pam, if: found.has("libpam.so")) { $0.keepPAM() }
        applyRules(found)
        for (version, node) in pythonVersions(found) where pythons.insert(version).inserted {
            profileCause = tree.path(of: node)
            keepPython(version)
            profileCause = nil
        }
    }

    private mutating func apply(_ profile: Profile, if isWanted: Bool, _ keep: (inout Planner) -> Void) {
        if isWanted, applied.insert(profile).inserted { keep(&self) }
    }

    mutating func keep(_ paths: [String], _ profile: Profile) {
        for path in paths { keep(at: path, .profile(profile, by: profileCause)) }
    }

    mutating func keep(below paths: [String], _ profile: Profile) {
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
