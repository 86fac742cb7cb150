public import Linux
public import OCI

extension BillOfMaterials {
    private static let unknown = JSON.string("NOASSERTION")
    private static let imageID = "SPDXRef-Image"

    /// Returns the SPDX 2.3 document about an image.
    ///
    /// The same image gives the same document: its time is that of the image.
    ///
    /// - Parameters:
    ///   - digest: The digest of the image's manifest.
    ///   - name: The image's name, or another name of the document.
    ///   - created: The time of the image in RFC 3339.
    ///   - tool: The name and version of this program: `thaw-1.2`.
    public func spdx(of digest: Digest, named name: String, created: String, tool: String) -> JSON {
        var rows: [JSON] = [image(digest, named: name)]
        var relations = [Self.relation(from: "SPDXRef-DOCUMENT", "DESCRIBES", to: Self.imageID)]
        var seen: Set<PackageURL> = []
        for package in packages {
            let url = packageURL(of: package)
            // npm may have a release in several places.
            guard seen.insert(url).inserted else { continue }
            let id = Self.id(of: package, url)
            rows.append(row(package, url, id: id))
            relations.append(Self.relation(from: Self.imageID, "CONTAINS", to: id))
        }
        return .object([
            "SPDXID": "SPDXRef-DOCUMENT", "spdxVersion": "SPDX-2.3", "dataLicense": "CC0-1.0", "name": .string(name),
            "documentNamespace": .string("https://spdx.org/spdxdocs/\(tool)-\(digest.hex)"),
            "creationInfo": .object(["created": .string(created), "creators": .strings(["Tool: \(tool)"])]),
            "packages": .array(rows), "relationships": .array(relations),
        ])
    }

    private func image(_ digest: Digest, named name: String) -> JSON {
        .object([
            "SPDXID": .string(Self.imageID), "name": .string(name), "versionInfo": .string("\(digest)"),
            "primaryPackagePurpose": "CONTAINER", "downloadLocation": Self.unknown, "filesAnalyzed": .bool(false),
            "licenseConcluded": Self.unknown, "licenseDeclared": Self.unknown, "copyrightText": Self.unknown,
            "checksums": .array([.strings(["algorithm": "SHA256", "checksumValue": digest.hex])]),
        ])
    }

    private func row(_ package: Package, _ url: PackageURL, id: String) -> JSON {
        var row = JSON.object([
            "SPDXID": .string(id), "name": .string(package.name), "versionInfo": .string(package.version),
            "supplier": Self.unknown, "downloadLocation": Self.unknown, "filesAnalyzed": .bool(false),
            "licenseConcluded": Self.unknown, "licenseDeclared": Self.unknown, "copyrightText": Self.unknown,
            "sourceInfo": .string("listed by \(package.manager.rawValue) in layer \(package.layer)"),
            "externalRefs": .array([
                .strings([
                    "referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl",
                    "referenceLocator": url.description,
                ])
            ]),
        ])
        // The text of a package's author may be no license expression of SPDX.
        row["licenseComments"] = package.license.map { .string("declared as: \($0)") }
        return row
    }

    private static func relation(from: String, _ type: String, to: String) -> JSON {
        .strings(["spdxElementId": from, "relationshipType": type, "relatedSpdxElement": to])
    }

    /// Returns an identifier, which may have only letters, digits, dots and hyphens.
    private static func id(of package: Package, _ url: PackageURL) -> String {
        let name = package.name.unicodeScalars.map { scalar in
            let isPlain = scalar.isASCII && (scalar.properties.isAlphabetic || scalar.properties.numericType != nil)
            return isPlain || scalar == "." ? String(scalar) : "-"
        }
        let mark = Digest(of: Array(url.description.utf8)).hex.prefix(16)
        return "SPDXRef-Package-\(package.manager.rawValue)-\(name.joined())-\(mark)"
    }
}
