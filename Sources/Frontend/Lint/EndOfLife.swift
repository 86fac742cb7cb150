// The ends of life of Debian and Ubuntu releases.

extension Linter {
    /// The source of the dates.
    static let endOfLifeSource = "Debian's package distro-info-data 0.58+deb12u6"

    /// Checks that a base image of Debian or Ubuntu still gets security updates.
    mutating func checkEndOfLife(_ stage: Stage, _ global: GlobalScope) {
        guard let today = options.today, baseIndex[stage.index] == nil, let name = try? global.expand(stage.base),
            let (path, tag) = Self.split(name), let end = Self.end(of: path, tag), end.day < today
        else { return }
        report(
            "EndOfLife",
            "\(end.release) has had no security updates since \(end.day) (\(Self.endOfLifeSource)). Use a newer release",
            stage.from.lines)
    }

    private static func split(_ name: String) -> (path: String, tag: String)? {
        let plain = name.cut(UInt8(ascii: "@"))?.before ?? name
        let last = plain.utf8.split(separator: Ascii.slash).last?.text ?? plain
        guard let (before, tag) = last.cut(Ascii.colon) else { return nil }
        return (String(plain.dropLast(last.count)) + before, tag)
    }

    /// Returns the release that a tag names, and the day of its last update.
    ///
    /// Other images name the release as a part of the tag, such as `python:3.9-buster`.
    private static func end(of path: String, _ tag: String) -> (release: String, day: String)? {
        let parts = tag.utf8.split(separator: Ascii.dash).map(\.text)
        let isDistribution = path == "debian" || path == "ubuntu"
        for part in isDistribution ? Array(parts.prefix(1)) : parts {
            if let row = releases.first(where: { $0.series == part }) { return (row.name, row.end) }
        }
        guard isDistribution, let first = parts.first else { return nil }
        let wanted = path == "debian" ? first.cut(Ascii.dot)?.before ?? first : first
        let row = releases.first { $0.name == "\(path == "debian" ? "Debian" : "Ubuntu") \(wanted)" }
        return row.map { ($0.name, $0.end) }
    }

    /// The releases: the end of Debian's LTS, and of Ubuntu's standard support.
    private static let releases: [(name: String, series: String, end: String)] = [
        ("Debian 7", "wheezy", "2018-05-31"),
        ("Debian 8", "jessie", "2020-06-30"),
        ("Debian 9", "stretch", "2022-06-30"),
        ("Debian 10", "buster", "2024-06-30"),
        ("Debian 11", "bullseye", "2026-08-31"),
        ("Debian 12", "bookworm", "2028-06-30"),
        ("Debian 13", "trixie", "2030-06-30"),
        ("Ubuntu 14.04", "trusty", "2019-04-25"),
        ("Ubuntu 14.10", "utopic", "2015-07-23"),
        ("Ubuntu 15.04", "vivid", "2016-02-04"),
        ("Ubuntu 15.10", "wily", "2016-07-28"),
        ("Ubuntu 16.04", "xenial", "2021-04-30"),
        ("Ubuntu 16.10", "yakkety", "2017-07-20"),
        ("Ubuntu 17.04", "zesty", "2018-01-13"),
        ("Ubuntu 17.10", "artful", "2018-07-19"),
        ("Ubuntu 18.04", "bionic", "2023-05-31"),
        ("Ubuntu 18.10", "cosmic", "2019-07-18"),
        ("Ubuntu 19.04", "disco", "2020-01-23"),
        ("Ubuntu 19.10", "eoan", "2020-07-17"),
        ("Ubuntu 20.04", "focal", "2025-05-29"),
        ("Ubuntu 20.10", "groovy", "2021-07-22"),
        ("Ubuntu 21.04", "hirsute", "2022-01-20"),
        ("Ubuntu 21.10", "impish", "2022-07-14"),
        ("Ubuntu 22.04", "jammy", "2027-06-01"),
        ("Ubuntu 22.10", "kinetic", "2023-07-20"),
        ("Ubuntu 23.04", "lunar", "2024-01-25"),
        ("Ubuntu 23.10", "mantic", "2024-07-11"),
        ("Ubuntu 24.04", "noble", "2029-05-31"),
        ("Ubuntu 24.10", "oracular", "2025-07-10"),
        ("Ubuntu 25.04", "plucky", "2026-01-15"),
        ("Ubuntu 25.10", "questing", "2026-07-09"),
        ("Ubuntu 26.04", "resolute", "2031-05-29"),
    ]
}
