import Testing

@testable import Analysis

@Suite("Orders of versions")
struct VersionOrderTests {
    /// Lists in ascending order; `=` between equal versions.
    private static let vectors: [(VersionOrder, String)] = [
        // deb-version(7), and the tests of dpkg's Dpkg::Version.
        (.dpkg, "1.0~~ 1.0~~a 1.0~ 1.0 1.0-1 1.0a 1.0+b 1.1 1:0.4 2:0.1"),
        (.dpkg, "7.6-0 7.6p1-2 7.6p1-3 7.6+x-0"), (.dpkg, "0:1.0=1.0"), (.dpkg, "1.0-0=1.0"),
        (.dpkg, "2.36-9+deb12u3 2.36-9+deb12u10 2.36-10"), (.dpkg, "1.01=1.1"),
        (.dpkg, "0.9.8o-4 0.9.8o-4squeeze1 0.9.8o-5"),
        (.dpkg, "1.2.3-1~bpo10+1 1.2.3-1"),
        // apk-tools' test/version.data.
        (.apk, "2.34 2.34_p1=2.34_p01 2.35"), (.apk, "1.0_alpha 1.0_alpha2 1.0_beta 1.0_pre1 1.0_rc1 1.0 1.0_p1"),
        (.apk, "0.1.0_alpha_pre2 0.1.0_alpha 0.1.3_alpha"), (.apk, "1.0-r0 1.0-r1 1.0.1 1.1-r0"),
        (.apk, "4.6.a 4.6.0=4.6.0-r0"), (.apk, "1.2.3a 1.2.3b 1.2.4"), (.apk, "3.0.02 3.0.1 3.0.2"),
        // semver.org, item 11; Go's golang.org/x/mod/semver.
        (
            .semantic,
            "1.0.0-alpha 1.0.0-alpha.1 1.0.0-alpha.beta 1.0.0-beta 1.0.0-beta.2 1.0.0-beta.11 1.0.0-rc.1 1.0.0"
        ),
        (.semantic, "1.0.0+a=1.0.0+b=v1.0.0"), (.semantic, "1.9.0 1.10.0 1.11.0"),
        (.semantic, "0.0.0-20200101000000-abc 0.0.1"),
        (.semantic, "4.3.0=4.3.0.0 4.3.0.1"),
        // PEP 440, "Summary of permitted suffixes and relative ordering"; packaging's tests.
        (.python, "1.dev0 1.0.dev456 1.0a1 1.0a2.dev456 1.0a12.dev456 1.0a12 1.0b1.dev456 1.0b2 1.0b2.post345.dev456"),
        (
            .python,
            "1.0b2.post345 1.0rc1.dev456 1.0rc1 1.0=1.0.0 1.0+abc.5 1.0+abc.7 1.0+5 1.0.post456.dev34 1.0.post456"
        ),
        (.python, "1.0.15 1.1.dev1 1.1 1!0.1"), (.python, "1.0-1=1.0.post1=1.0-r1"), (.python, "v1.0ALPHA1=1.0a1"),
        (.python, "1.0c1=1.0rc1=1.0-preview-1"), (.python, "2020.1 2020.10"),
        // Maven's ComparableVersionTest.
        (
            .maven,
            "1-alpha2snapshot 1-alpha2 1-alpha-123 1-beta-2 1-beta123 1-m2 1-m11 1-rc 1-cr2 1-rc123 1-SNAPSHOT 1 1-sp"
        ),
        (.maven, "1-sp 1-sp2 1-sp123 1-abc 1-def 1-pom-1 1-1-snapshot 1-1 1-2 1-123"),
        (.maven, "2.0 2.0.a 2-1 2.0.2 2.0.123 2.1.0 2.1-a 2.1b 2.1-c 2.1-1 2.1.0.1 2.2 2.123 11"),
        (.maven, "1=1.0=1.0.0=1-ga=1.0.final=1-release"), (.maven, "1a1=1-alpha-1"), (.maven, "1b2=1-beta-2"),
        (.maven, "1m3=1-milestone-3"), (.maven, "1x=1-x"), (.maven, "1.0-RC1 1.0"),
        // RubyGems' test_gem_version.rb.
        (.gem, "1.8.2.a 1.8.2.a9 1.8.2.b 1.8.2"), (.gem, "1.0=1.0.0"), (.gem, "5.2.4.a 5.2.4 5.2.5"),
        (.gem, "1.0.0-beta=1.0.0.pre.beta 1.0.0.rc1 1.0.0"), (.gem, "1.9 1.10"),
    ]

    @Test("Each order puts its ecosystem's own examples in their sequence", arguments: vectors)
    func order(order: VersionOrder, list: String) {
        let groups = list.split(separator: " ").map { $0.split(separator: "=").map(String.init) }
        for (index, group) in groups.enumerated() {
            for left in group {
                for right in group { #expect(order.compare(left, right) == .equal, "\(left) = \(right)") }
                for right in groups[(index + 1)...].joined() {
                    #expect(order.compare(left, right) == .less, "\(left) < \(right)")
                    #expect(order.compare(right, left) == .greater, "\(right) > \(left)")
                }
            }
        }
    }

    @Test("Any text has a place in every order", arguments: VersionOrder.allCases)
    func odd(order: VersionOrder) {
        let texts = [
            "", "-", "~", ":", "..", "a", "1..2", "_", "1:", "+", "!", "1!", "é", String(repeating: "9", count: 60),
            "-r", "1_x-r",
        ]
        for left in texts {
            for right in texts {
                let (one, two) = (order.compare(left, right), order.compare(right, left))
                #expect(one.rawValue == -two.rawValue, "\(left) \(right)")
            }
        }
    }

    @Test(
        "Scores are those of the standard's examples",
        arguments: [
            ("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", 9.8),
            ("CVSS:3.0/AV:N/AC:L/PR:L/UI:N/S:C/C:L/I:L/A:N", 6.4),
            ("CVSS:3.0/AV:N/AC:H/PR:N/UI:R/S:U/C:L/I:N/A:N", 3.1),
            ("CVSS:3.1/AV:L/AC:L/PR:L/UI:N/S:C/C:H/I:H/A:H", 8.8),
            ("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:N", 0), ("CVSS:3.1/AV:P/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", 6.8),
            ("CVSS:3.0/AV:N/AC:L/PR:N/UI:R/S:C/C:L/I:L/A:N", 6.1), ("CVSS:4.0/AV:N", nil), ("CVSS:3.1/AV:X", nil),
        ])
    func score(vector: String, score: Double?) { #expect(CVSS.score(vector) == score) }
}
