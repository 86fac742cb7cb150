import Harness
import ImageFiles
import Linux
import OCI
import Support
import SystemPackage
import Testing

@testable import Jobs

@Suite("Bills of materials")
struct BillTests {
    private let workspace: Workspace
    private let image: Image

    init() throws {
        let fixture = try PackageFixture(
            dpkg: "Package: a\nVersion: 1:2~3\nStatus: install ok installed\nArchitecture: amd64\n",
            [
                ("s/b_c-1.dist-info/METADATA", "Name: b_c\nVersion: 1\nLicense: see <LICENSE>\n"),
                ("n/node_modules/@s/p/package.json", #"{"name":"@s/p","version":"4","license":"MIT"}"#),
                ("g/specifications/a-1.gemspec", "s.name = \"a\"\ns.version = \"1\"\n"),
            ])
        (workspace, image) = (fixture.workspace, fixture.image)
    }

    private static let validator = """
        import json, sys, cyclonedx.schema, os
        from jsonschema import Draft7Validator, RefResolver
        place = os.path.dirname(cyclonedx.schema.__file__) + '/_res/'
        load = lambda name: json.load(open(place + name))
        schema = load('bom-1.6.SNAPSHOT.schema.json')
        base = 'http://cyclonedx.org/schema/'
        store = {base + n: load(n) for n in ('spdx.SNAPSHOT.schema.json', 'jsf-0.82.SNAPSHOT.schema.json')}
        for error in Draft7Validator(schema, resolver=RefResolver(schema['$id'], schema, store=store)).iter_errors(json.load(open(sys.argv[1]))):
            print(list(error.path), error.message[:200])
        """

    static let hasSchema = (try? Program.shell("python3 -c 'import jsonschema, cyclonedx.schema'")) != nil

    @Test(
        "The CycloneDX document is valid by the standard's schema, also of an image without packages",
        .enabled(
            if: hasSchema,
            "the Python packages jsonschema and cyclonedx-python-lib are not installed; pip installs them"))
    func cycloneDX() async throws {
        let script = try workspace.write("validate.py", Self.validator)
        for image in [image, try workspace.image([[file("x", "y")]])] {
            let bill = try await AnalyzeJob(in: workspace.store).packages(
                of: image, named: "app:1", .cycloneDX, version: "1")
            let document = try workspace.write("bom.json", bill.bytes.text)
            #expect(try Program.shell("python3 '\(script)' '\(document)'") == "")
        }
    }

    @Test("Both documents have the same packages, by their URLs, and are reproducible")
    func documents() async throws {
        let job = AnalyzeJob(in: workspace.store)
        func make(_ format: AnalyzeJob.BillFormat) async throws -> JSON {
            try await job.packages(of: image, named: "app:1", format, version: "1")
        }
        let (spdx, cyclone) = (try await make(.spdx), try await make(.cycloneDX))
        let urls = (cyclone["components"]?.array ?? []).compactMap { $0["purl"]?.string }
        #expect(
            urls == [
                "pkg:deb/debian/a@1:2~3?arch=amd64&distro=debian-12", "pkg:gem/a@1", "pkg:npm/%40s/p@4",
                "pkg:pypi/b-c@1",
            ])
        let references = (spdx["packages"]?.array ?? []).compactMap {
            $0["externalRefs"]?.array?.first?["referenceLocator"]?.string
        }
        #expect(references == urls)
        #expect(try await make(.cycloneDX) == cyclone)
        #expect(cyclone["metadata"]?["component"]?["name"]?.string == "app:1")
    }
}
