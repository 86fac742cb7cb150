/// The attestations that a build makes: `--attest`, `--provenance` and `--sbom`.
public struct AttestationRequest: Sendable, Hashable {
    /// The amount and the form of a provenance.
    public struct Provenance: Sendable, Hashable {
        /// True for `mode=max`: with build arguments, labels, the names of secrets, and the Dockerfile.
        public var isDetailed = false
        /// True for version 1 of SLSA provenance, false for 0.2.
        public var isCurrent = true
        /// The address of the builder; empty for none.
        public var builderID = ""
        /// The user's claim that the build is reproducible.
        public var isReproducible = false
    }

    /// The provenance; nil for none.
    public private(set) var provenance: Provenance?
    /// True if the packages of the image are listed.
    public private(set) var hasBillOfMaterials = false

    /// True if there is nothing to make.
    public var isEmpty: Bool { provenance == nil && !hasBillOfMaterials }

    /// Parses the values of the options; the shorthands win, and else the last of a type.
    public init(_ values: [String] = [], provenance: String? = nil, sbom: String? = nil) throws {
        for value in values { try add(value, option: "--attest '\(value)'") }
        if let provenance { try add(Self.shorthand("provenance", provenance), option: "--provenance '\(provenance)'") }
        if let sbom { try add(Self.shorthand("sbom", sbom), option: "--sbom '\(sbom)'") }
    }

    /// Returns the value of `--attest` that a shorthand stands for.
    private static func shorthand(_ type: String, _ value: String) -> String {
        if let isOn = Bool(flag: value) { return "type=\(type),disabled=\(!isOn)" }
        return "type=\(type)," + (["min", "max"].contains(value) ? "mode=\(value)" : value)
    }

    private mutating func add(_ text: String, option: String) throws {
        var fields: [String: String] = [:]
        for field in try CSV.fields(text, "--attest") {
            guard let equals = field.firstIndex(of: "=") else {
                throw Failure("\(option): '\(field)' is not KEY=VALUE", status: .usage)
            }
            fields[field[..<equals].trimmingSpaces.lowercased()] = String(field[field.index(after: equals)...])
        }
        let isOff =
            try fields.removeValue(forKey: "disabled").map { try Self.flag("disabled", value: $0, option: option) }
            ?? false
        switch fields.removeValue(forKey: "type") {
        case "provenance":
            let wanted = try Self.provenance(fields, option)
            provenance = isOff ? nil : wanted
        case "sbom":
            if let key = fields.keys.min() { throw Self.refusal(of: key, option) }
            hasBillOfMaterials = !isOff
        case let type?:
            throw Failure("\(option): thaw makes no attestation of type '\(type)'", remedy: types, status: .usage)
        case nil: throw Failure("\(option) has no type", remedy: types, status: .usage)
        }
    }

    private var types: String { "types are provenance and sbom" }

    private static func provenance(_ fields: [String: String], _ option: String) throws -> Provenance {
        var provenance = Provenance()
        for (key, value) in fields.sorted(by: { $0.key < $1.key }) {
            switch (key, value) {
            case ("mode", "min"), ("version", "v1"): break
            case ("mode", "max"): provenance.isDetailed = true
            case ("mode", _): throw Failure("\(option): mode '\(value)' is not min or max", status: .usage)
            case ("version", "v0.2"): provenance.isCurrent = false
            case ("version", _): throw Failure("\(option): version '\(value)' is not v0.2 or v1", status: .usage)
            case ("builder-id", _): provenance.builderID = value
            case ("reproducible", _): provenance.isReproducible = try flag(key, value: value, option: option)
            // Only images have attestations, with either value.
            case ("inline-only", _): _ = try flag(key, value: value, option: option)
            default: throw refusal(of: key, option)
            }
        }
        return provenance
    }

    private static func flag(_ key: String, value: String, option: String) throws -> Bool {
        guard let flag = Bool(flag: value) else {
            throw Failure("\(option): \(key) '\(value)' is not true or false", status: .usage)
        }
        return flag
    }

    private static func refusal(of key: String, _ option: String) -> Failure {
        let reason = key == "generator" ? "runs no generator image: it lists packages itself" : "does not know '\(key)'"
        return Failure("\(option): thaw \(reason)", status: .usage)
    }
}

extension Bool {
    /// Parses a truth value as Go's `strconv.ParseBool` does; nil for another text.
    init?(flag text: String) {
        switch text {
        case "1", "t", "T", "TRUE", "true", "True": self = true
        case "0", "f", "F", "FALSE", "false", "False": self = false
        default: return nil
        }
    }
}
