extension ProfileRule {
    /// The loader's list of directories.
    static let musl = ProfileRule(profile: .musl, libraries: ["ld-musl-", "libc.musl-"], trees: ["etc/ld-musl-*"])
}
