internal import ImageFiles
internal import OCI

extension Planner {
    /// Keeps the settings, the accounts with passwords, and the modules, which libpam loads by computed names.
    mutating func keepPAM() {
        keep(["etc/shadow", "etc/gshadow", "etc/login.defs", "etc/pam.conf", "etc/environment"], .pam)
        keep(below: ["etc/pam.d", "etc/security"], .pam)
        for node in kept.keys.sorted() where tree[node: node].name.starts(with: "libpam.so".utf8) {
            guard let plugins = tree[node: tree[node: node].parent].children[Array("security".utf8)] else { continue }
            keep(below: tree.path(of: plugins).description, .profile(.pam, by: profileCause))
        }
    }
}
