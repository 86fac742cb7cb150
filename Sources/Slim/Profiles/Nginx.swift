internal import Linux

extension ProfileRule {
    /// The dynamic modules, the configuration, and the directories that it writes to.
    static let nginx = ProfileRule(
        profile: .nginx, symbols: [.nginx], programs: ["nginx"],
        trees: ["etc/nginx", "usr/lib/nginx", "usr/share/nginx", "var/lib/nginx", "var/cache/nginx", "var/log/nginx"])
}
