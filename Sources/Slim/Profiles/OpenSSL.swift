internal import ImageFiles
internal import OCI

extension Planner {
    /// Keeps the configuration, the legacy provider and the engines, which libcrypto loads from its own directory.
    mutating func keepOpenSSL() {
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
}
