/// Annotations for an image's documents, each with its place (OCI image spec, annotations).
///
/// ```
/// index.json ── index-descriptor ──► index ── manifest-descriptor ──► manifest
/// ```
public struct Annotations: Sendable, Hashable {
    /// The document or descriptor that has an annotation.
    public enum Target: String, Sendable, CaseIterable {
        /// The image's manifest.
        case manifest
        /// The index over the images of several platforms.
        case index
        /// The manifest's descriptor: in the index, or in the layout's `index.json`.
        case manifestDescriptor = "manifest-descriptor"
        /// The index's descriptor in the layout's `index.json`.
        case indexDescriptor = "index-descriptor"
    }

    private struct Item: Hashable {
        let target: Target
        let platform: Platform?
        let key: String
        let value: String
    }

    private var items: [Item] = []

    /// Makes an empty list.
    public init() {}

    /// True if there is none.
    public var isEmpty: Bool { items.isEmpty }

    /// Adds an annotation for one platform, or without one for all; a later one of the same key wins.
    public mutating func add(_ key: String, _ value: String, to target: Target, platform: Platform? = nil) {
        items.append(Item(target: target, platform: platform, key: key, value: value))
    }

    /// Adds all of `others`, which win over these.
    public mutating func add(_ others: Annotations) { items += others.items }

    /// Returns the annotations of `target` for an image of `platform`.
    public func values(_ target: Target, for platform: Platform? = nil) -> [String: String] {
        var values: [String: String] = [:]
        for item in items where item.target == target {
            guard let wanted = item.platform else {
                values[item.key] = item.value
                continue
            }
            if let platform, wanted.accepts(platform) { values[item.key] = item.value }
        }
        return values
    }

    /// True if there are annotations for `target`.
    public func has(_ target: Target) -> Bool { items.contains { $0.target == target } }

    /// The platforms that have annotations, in order.
    public var platforms: [Platform] { items.compactMap(\.platform) }
}

extension Annotations {
    /// Parses `[PLACE[[PLATFORM]],...:]KEY=VALUE`, as in buildx; without a place it is the manifest.
    public mutating func add(parsing text: String) throws(OCIError) {
        guard let equals = text.firstIndex(of: "="), equals != text.startIndex else {
            throw .malformedAnnotation(text, reason: "[PLACE:]KEY=VALUE is expected")
        }
        let (head, value) = (text[..<equals], String(text[text.index(after: equals)...]))
        guard let colon = head.firstIndex(of: ":") else { return add(String(head), value, to: .manifest) }
        let key = String(head[head.index(after: colon)...])
        guard !key.isEmpty else { throw .malformedAnnotation(text, reason: "[PLACE:]KEY=VALUE is expected") }
        for target in head[..<colon].split(separator: ",", omittingEmptySubsequences: false) {
            let name = target.prefix { $0 != "[" }
            guard let known = Target(rawValue: String(name)) else {
                let all = Target.allCases.map(\.rawValue).joined(separator: ", ")
                throw .malformedAnnotation(text, reason: "unknown place '\(name)'; the places are \(all)")
            }
            add(key, value, to: known, platform: try Self.platform(target.dropFirst(name.count), of: text))
        }
    }

    /// Adds the annotation of `annotation-PLACE[PLATFORM].KEY` or `annotation.KEY`; false for another `name`.
    public mutating func add(attribute name: String, _ value: String) throws(OCIError) -> Bool {
        guard name.hasPrefix("annotation"), let dot = name.firstIndex(of: "."), name.index(after: dot) < name.endIndex
        else { return false }
        var head = name[..<dot].dropFirst("annotation".count)
        var platform: Platform?
        if let bracket = head.firstIndex(of: "[") {
            platform = try Self.platform(head[bracket...], of: name)
            head = head[..<bracket]
        }
        guard head.isEmpty || head.first == "-" else { return false }
        let target = head.isEmpty ? Target.manifest : Target(rawValue: String(head.dropFirst()))
        guard let target else { return false }
        add(String(name[name.index(after: dot)...]), value, to: target, platform: platform)
        return true
    }

    /// Parses `[linux/amd64]`; nil for an empty text.
    private static func platform(_ text: Substring, of whole: String) throws(OCIError) -> Platform? {
        if text.isEmpty { return nil }
        guard text.first == "[", text.last == "]", text.count > 2 else {
            throw .malformedAnnotation(whole, reason: "a platform in brackets is expected")
        }
        return try Platform(String(text.dropFirst().dropLast()))
    }
}
