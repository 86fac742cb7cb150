internal import ImageFiles
internal import Linux
internal import OCI

extension Planner {
    private static let glibcLibraries = [
        "libc.so.6", "libdl.so.2", "libpthread.so.0", "librt.so.1", "libutil.so.1",
        "libresolv.so.2", "libanl.so.1", "libnss_files.so.2", "libnss_dns.so.2", "libnss_compat.so.2", "libgcc_s.so.1",
    ]

    /// Keeps glibc's libraries, the modules of getaddrinfo and iconv, and the loader's configuration.
    ///
    /// The libraries must have the same version; the modules are loaded by computed names.
    mutating func keepGlibc(_ programs: [Loader.Loaded]) {
        var seen = Set<[UInt16]>()
        let files = programs.filter {
            seen.insert([$0.elf.machine, UInt16($0.elf.class.rawValue)]).inserted
        }
        let services = nameServices().map { "libnss_\($0).so.2" }
        for file in files {
            for name in Self.glibcLibraries + services {
                for match in loader.find(Array(name.utf8), for: file, loaders: [], isPrivileged: false) {
                    keep(match.found, .profile(.glibc, by: profileCause))
                }
            }
        }
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
}
