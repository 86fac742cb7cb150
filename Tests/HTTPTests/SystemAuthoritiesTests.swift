import Linux
import Support
import SystemPackage
import Testing

@testable import HTTP

@Suite struct SystemAuthoritiesTests {
    /// Files to create below a directory, the names given as the defaults of libcurl, and the expected place.
    static let cases: [(files: [String], expected: String)] = [
        ([], "defaults"),
        (["default/9d04f354.0", "default.pem"], "directory"),
        (["default/readme", "default.pem", "other.pem"], "defaults"),
        (["default/readme", "other.pem"], "other.pem"),
        (["second.pem"], "second.pem"),
        (["other.pem", "second.pem"], "other.pem"),
    ]

    @Test("Certificate authorities are found on machines of every distribution", arguments: cases)
    func finds(files: [String], expected: String) throws {
        let directory = try Workspace()
        for file in files { try directory.write(file, "x") }
        let place = SystemAuthorities(
            directory: directory.path.appending("default"), file: directory.path.appending("default.pem"),
            otherFiles: [directory.path.appending("other.pem"), directory.path.appending("second.pem")])
        switch place {
        case .defaults: #expect(expected == "defaults")
        case .directory: #expect(expected == "directory")
        case .file(let path): #expect(path.lastComponent?.string == expected)
        }
    }
}
