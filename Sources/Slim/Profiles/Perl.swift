internal import Linux

extension ProfileRule {
    /// Perl's `@INC` of Debian and of a build in /usr/local, with XS modules and Unicode tables.
    ///
    /// Of the manuals only the one that `diagnostics` reads is kept.
    static let perl = ProfileRule(
        profile: .perl, symbols: [.perl], programs: ["perl"],
        trees: [
            "etc/perl", "usr/share/perl*", "usr/lib/perl*", "usr/lib/*/perl*", "usr/share/perl/*/pod/perldiag.pod",
            "usr/local/lib/perl*", "usr/local/lib/*/perl*", "usr/local/share/perl*",
        ], without: ["*.pod", "CORE", "*.ph", "*.h"], leftOut: ["usr/lib/*/perl/*/CORE", "usr/lib/*/perl-base/CORE"],
        developers: ["cc", "gcc", "clang"])
}
