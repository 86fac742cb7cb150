internal import CCurl
internal import Linux
internal import SystemPackage

/// The place of the system's certificate authorities, for libcurl.
enum SystemAuthorities: Equatable {
    /// The file and directory that libcurl was built with.
    case defaults

    /// Only the directory that libcurl was built with: it can be searched by name, as `c_rehash` prepares it.
    ///
    /// libcurl then reads only the certificate that signed. The file of all would cost each connection 20 ms and some
    /// megabytes.
    case directory

    /// A file of another distribution.
    case file(FilePath)

    /// The places of this machine, found once.
    static let current = SystemAuthorities(
        directory: unsafe path(ccurl_authorities_directory()), file: unsafe path(ccurl_authorities_file()))

    /// The files of other distributions, in the order of Go's crypto/x509 (`root_linux.go`).
    static let otherFiles: [FilePath] = [
        "/etc/ssl/certs/ca-certificates.crt",
        "/etc/pki/tls/certs/ca-bundle.crt",
        "/etc/ssl/ca-bundle.pem",
        "/etc/pki/tls/cacert.pem",
        "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
        "/etc/ssl/cert.pem",
    ]

    /// Chooses a place that exists.
    ///
    /// - Parameters:
    ///   - directory: The directory that libcurl was built with.
    ///   - file: The file that libcurl was built with. If it exists, it is used, since an administrator may have set it up.
    ///   - otherFiles: The files to try after that, best first.
    init(directory: FilePath?, file: FilePath?, otherFiles: [FilePath] = SystemAuthorities.otherFiles) {
        if let directory, Self.isSearchable(directory) {
            self = .directory
        } else if let file, Self.exists(file) {
            self = .defaults
        } else {
            self = otherFiles.first(where: Self.exists).map { .file($0) } ?? .defaults
        }
    }

    private static func isSearchable(_ path: FilePath) -> Bool {
        guard let entries = try? Directory(path).entries() else { return false }
        // 9d04f354.0
        return entries.contains { $0.name.count == 10 && $0.name.suffix(2).elementsEqual(".0".utf8) }
    }

    private static func exists(_ path: FilePath) -> Bool { (try? FileDescriptor.open(path, .readOnly).close()) != nil }

    private static func path(_ text: UnsafePointer<CChar>?) -> FilePath? {
        unsafe text.map { unsafe FilePath(String(cString: $0)) }
    }
}
