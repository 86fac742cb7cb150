internal import Linux

extension ProfileRule {
    /// The extensions with their configuration, and libraries in PHP.
    static let php = ProfileRule(
        profile: .php, symbols: [.php], libraries: ["libphp"], programs: ["php", "php-fpm"],
        trees: ["etc/php", "usr/lib/php", "usr/share/php*", "var/lib/php"], without: ["*.h"])
}
