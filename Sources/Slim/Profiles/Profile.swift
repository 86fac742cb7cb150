/// A kind of program that needs files without naming them.
public enum Profile: String, Hashable, Sendable, CaseIterable, CustomStringConvertible {
    case any, certs, compiler, glibc, gnutls, java, locales, musl, nginx, node, openssl, pam, perl, php, postgresql,
        python
    case ruby, shell, supervisor, tzdata

    public var description: String {
        switch self {
        case .any: "any program"
        case .certs: "programs that use TLS"
        case .compiler: "compilers"
        case .glibc: "programs that use glibc"
        case .gnutls: "programs that use GnuTLS"
        case .java: "Java"
        case .locales: "programs that use locales"
        case .musl: "programs that use musl"
        case .nginx: "nginx"
        case .node: "Node.js"
        case .openssl: "programs that use OpenSSL"
        case .pam: "programs that use PAM"
        case .perl: "Perl"
        case .php: "PHP"
        case .postgresql: "PostgreSQL"
        case .python: "Python"
        case .ruby: "Ruby"
        case .shell: "the shell"
        case .supervisor: "supervisors"
        case .tzdata: "programs that use time zones"
        }
    }
}
