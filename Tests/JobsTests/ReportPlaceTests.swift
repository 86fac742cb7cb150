import SystemPackage
import Testing

@testable import Jobs

@Suite struct ReportPlaceTests {
    @Test(
        "A report has the name of its directory, or that of its image",
        arguments: [
            ("/usr/lib", "lib"), ("/usr/lib/../share/", "share"), ("/", "root"), ("team/app:1.0", "team-app-1.0"),
            ("host:5000/a/b@sha256:0", "host-5000-a-b-sha256-0"), ("..\u{1B}[2J", "..--2J"), ("é", "-"),
        ])
    func names(subject: String, name: String) {
        #expect(ReportPlace.name(of: subject) == name)
        #expect(ReportPlace.directory(for: subject).lastComponent?.string == name)
    }
}
