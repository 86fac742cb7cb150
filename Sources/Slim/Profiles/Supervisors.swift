extension ProfileRule {
    /// cron: the tables, and the scripts of its directories.
    static let cron = ProfileRule(
        profile: .supervisor, programs: ["cron", "crond"],
        trees: [
            "etc/crontab", "etc/crontabs", "etc/cron.d", "etc/cron.hourly", "etc/cron.daily", "etc/cron.weekly",
            "etc/cron.monthly", "var/spool/cron", "etc/periodic",
        ], starts: ["sh", "run-parts"])
    /// runit: the services and their scripts.
    static let runit = ProfileRule(
        profile: .supervisor, programs: ["runsvdir", "runsv"], trees: ["etc/service", "etc/sv", "etc/runit"],
        starts: ["runsv", "svlogd"])
    /// s6 and s6-overlay: the services, and the tools that its scripts use.
    static let s6 = ProfileRule(
        profile: .supervisor, programs: ["s6-svscan", "s6-rc-init", "s6-overlay-suexec"],
        trees: [
            "etc/s6", "etc/s6-overlay", "etc/services.d", "etc/cont-init.d", "etc/cont-finish.d", "etc/fix-attrs.d",
            "command", "package", "usr/lib/s6*",
        ], starts: ["s6-supervise", "execlineb"])
    /// supervisord: the programs' sections.
    static let supervisord = ProfileRule(
        profile: .supervisor, programs: ["supervisord"],
        trees: ["etc/supervisor", "etc/supervisord.conf", "etc/supervisord.d"])
    /// systemd: the units.
    static let systemd = ProfileRule(
        profile: .supervisor, programs: ["systemd"],
        trees: ["etc/systemd", "usr/lib/systemd", "lib/systemd", "usr/lib/udev", "usr/lib/tmpfiles.d"], starts: ["sh"])
}
