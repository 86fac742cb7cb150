internal import Analysis
public import Build
public import Linux
internal import OCI

/// The options of a build that its provenance states.
public struct BuildParameters: Sendable {
    /// The options that are in every provenance.
    let open: [String: String]
    /// The build arguments and labels, which only `mode=max` has.
    let hidden: [String: String]

    /// Makes the list of a build's options.
    public init(target: String?, isCached: Bool, arguments: [String: String], labels: [String: String]) {
        var open: [String: String] = [:]
        open["target"] = target
        if !isCached { open["no-cache"] = "" }
        self.open = open
        let values = arguments.map { ("build-arg:\($0.key)", $0.value) } + labels.map { ("label:\($0.key)", $0.value) }
        hidden = Dictionary(values) { $1 }
    }
}

/// The maker of the attestations of a build's images.
public struct Attester: Sendable {
    private let request: AttestationRequest
    private let provenances: [Provenance]
    /// The packages of each image; empty if no bill of materials is requested.
    private let bills: [BillOfMaterials]
    private let results: [BuildResult]
    private let tool: String

    /// Reads what the attestations need; nil if none is requested.
    ///
    /// - Parameter version: The version of thaw.
    public init?(
        _ request: AttestationRequest, of results: [BuildResult], parameters: BuildParameters, version: String
    ) async throws {
        if request.isEmpty { return nil }
        (self.request, self.results) = (request, results)
        let tool = "thaw-\(version)"
        self.tool = tool
        provenances = results.compactMap { result in
            request.provenance.map { wanted in
                Provenance(
                    request: wanted, inputs: result.inputs, parameters: parameters, tool: version,
                    hasTimes: result.epoch == nil)
            }
        }
        var bills: [BillOfMaterials] = []
        if request.hasBillOfMaterials {
            for result in results { bills.append(try await BillOfMaterials(of: result.image)) }
        }
        self.bills = bills
    }

    /// Returns the attestations of the image with this index in the results and this manifest.
    func attestations(of index: Int, _ digest: Digest, names: [Reference]) -> [Attestation] {
        let platform = results[index].image.config.platform
        let subjects = names.map { "\($0.packageURL(for: platform))" }
        return predicates(of: index, digest, names: names).map {
            Attestation($0.type, $0.document, of: digest, names: subjects)
        }
    }

    /// Returns the attestations of the files of the image with this index, for an output without an image.
    ///
    /// The subjects are the files, as in BuildKit.
    func attestations(of index: Int, _ files: ExportedFiles, names: [Reference]) -> [Attestation] {
        let subjects = files.sorted.map { (name: $0.path, digest: $0.digest) }
        return predicates(of: index, results[index].image.descriptor.digest, names: names).map {
            Attestation($0.type, $0.document, of: subjects)
        }
    }

    private func predicates(
        of index: Int, _ digest: Digest, names: [Reference]
    ) -> [(type: String, document: JSON)] {
        let config = results[index].image.config
        var list: [(type: String, document: JSON)] = []
        if !bills.isEmpty {
            let document = bills[index].spdx(
                of: digest, named: names.first?.familiar ?? "\(digest)", created: config.createdSecond, tool: tool)
            list.append((Attestation.billOfMaterials, document))
        }
        if !provenances.isEmpty { list.append((provenances[index].type, provenances[index].predicate)) }
        return list
    }

    /// The names of the files with the attestations of an output without an image, in the order of the attestations.
    ///
    /// - Parameter platform: The image's platform if several images share a directory; nil otherwise.
    func fileNames(prefix: String, platform: Platform?) -> [String] {
        let names = (bills.isEmpty ? [] : ["sbom.spdx"]) + (provenances.isEmpty ? [] : ["provenance"])
        let middle = platform.map { "." + "\($0)".replacing("/", with: "_") } ?? ""
        return names.map { "\(prefix)\($0)\(middle).json" }
    }

    /// The members of `--metadata-file`, whose names are those of buildx.
    public var metadata: [String: JSON] {
        let isOne = results.count == 1
        let members = zip(results, provenances).map { result, provenance in
            ("buildx.build.provenance" + (isOne ? "" : "/\(result.image.config.platform)"), provenance.predicate)
        }
        return Dictionary(members) { $1 }
    }
}

extension ImageConfig {
    /// The image's time without fractions of a second, which SPDX does not allow.
    var createdSecond: String { RFC3339.text(created.flatMap(RFC3339.seconds) ?? 0) }
}
