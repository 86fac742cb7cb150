extension ProfileRule {
    /// The server's programs, extensions and templates.
    static let postgresql = ProfileRule(
        profile: .postgresql, programs: ["postgres", "pg_ctl", "initdb"],
        trees: ["etc/postgresql", "etc/postgresql-common", "usr/lib/postgresql", "usr/share/postgresql"],
        without: ["man", "pgxs", "bitcode"], leftOut: ["usr/lib/postgresql/*/lib/pgxs", "usr/share/postgresql/*/man"],
        developers: ["cc", "gcc", "clang"])
}
