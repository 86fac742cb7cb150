public import Linux
public import OCI

extension BillOfMaterials {
    /// Returns the CycloneDX 1.6 document about an image.
    ///
    /// The same image gives the same document: its time is that of the image, and its serial number comes from the
    /// digest.
    ///
    /// - Parameters:
    ///   - digest: The digest of the image's manifest.
    ///   - name: The image's name, or another name of the document.
    ///   - created: The time of the image in RFC 3339.
    ///   - version: The version of this program.
    public func cycloneDX(of digest: Digest, named name: String, created: String, version: String) -> JSON {
        let image = "image-\(digest.hex)"
        var components: [JSON] = []
        var seen: Set<PackageURL> = []
        for package in packages where !package.name.isEmpty {
            let url = packageURL(of: package)
            // npm may have a release in several places.
            guard seen.insert(url).inserted else { continue }
            components.append(component(package, url))
        }
        return .object([
            "bomFormat": "CycloneDX", "specVersion": "1.6", "version": .integer(1),
            "serialNumber": .string("urn:uuid:\(Self.uuid(of: digest))"),
            "metadata": .object([
                "timestamp": .string(created),
                "tools": .object([
                    "components": .array([.strings(["type": "application", "name": "thaw", "version": version])])
                ]),
                "component": .object([
                    "type": "container", "bom-ref": .string(image), "name": .string(name),
                    "version": .string(digest.description),
                    "hashes": .array([.strings(["alg": "SHA-256", "content": digest.hex])]),
                ]),
            ]),
            "components": .array(components),
            "dependencies": .array([
                .object(["ref": .string(image), "dependsOn": .strings(seen.map(\.description).sorted())])
            ]),
        ])
    }

    private func component(_ package: Package, _ url: PackageURL) -> JSON {
        var json = JSON.object([
            "type": "library", "bom-ref": .string(url.description), "name": .string(package.name),
            "version": .string(package.version), "purl": .string(url.description),
            "properties": .array([
                .strings(["name": "thaw:manager", "value": package.manager.rawValue]),
                .strings(["name": "thaw:layer", "value": String(package.layer)]),
                .strings(["name": "thaw:bytes", "value": String(package.bytes)]),
            ]),
        ])
        // The text of a package's author may not be an identifier of SPDX, so it is only a name.
        json["licenses"] = package.license.map { .array([.object(["license": .strings(["name": $0])])]) }
        return json
    }

    /// Returns a UUID of version 8 (RFC 9562) with the first bits of a digest.
    private static func uuid(of digest: Digest) -> String {
        var digits = Array(digest.hex.utf8.prefix(32))
        digits[12] = UInt8(ascii: "8")
        digits[16] = UInt8(ascii: "8")
        let text = String(decoding: digits, as: UTF8.self)
        var groups: [Substring] = []
        var rest = text[...]
        for length in [8, 4, 4, 4, 12] {
            groups.append(rest.prefix(length))
            rest = rest.dropFirst(length)
        }
        return groups.joined(separator: "-")
    }
}
