internal import Linux

extension ProfileRule {
    /// The standard library, Debian's gems with their specifications, and the files that gems share.
    static let ruby = ProfileRule(
        profile: .ruby, symbols: [.ruby], libraries: ["libruby"], programs: ["ruby"],
        trees: [
            "usr/lib/ruby", "usr/lib/*/ruby", "usr/share/rubygems-integration", "usr/share/ruby*", "usr/share/ri-none",
            "var/lib/gems",
        ])
}
