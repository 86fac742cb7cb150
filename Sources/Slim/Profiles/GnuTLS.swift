extension ProfileRule {
    /// Settings, and the modules of p11-kit that have the trusted certificates.
    static let gnutls = ProfileRule(
        profile: .gnutls, libraries: ["libgnutls.so", "libp11-kit.so"],
        trees: ["etc/gnutls", "etc/pkcs11", "usr/share/p11-kit", "usr/lib/*/pkcs11"])
}
