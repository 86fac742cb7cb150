/// Annotations for an image's documents, each with the place it goes to (OCI image spec, annotations).
///
/// ```
/// index.json ── index-descriptor ──► index ── manifest-descriptor ──► manifest
/// ```
public struct Annotations: Sendable, Hashable {
    /// What carries an annotation.
    public enum Place: String, Sendable, CaseIterable {
        /// The image's manifest.
        case manifest
        /// The index over the images of several platforms.
        case index
        /// What points at the manifest: the index, or the layout's `index.json`.
        case manifestDescriptor = "manifest-descriptor"
        /// What points at the index: the layout's `index.json`.
        case indexDescriptor = "index-descriptor"
    }

    private struct Item: Hashable {
        let place: Place
        let platform: Platform?
        let key: String
        let value: String
    }

    private var items: [Item] = []

    /// None.
    public init() {}

    /// Whether there is none.
    public var isEmpty: Bool { items.isEmpty }

    /// Adds one; a later one of the same key counts. Without a platform it is for all of them.
    public mutating func add(_ key: String, _ value: String, to place: Place, platform: Platform? = nil) {
        items.append(Item(place: place, platform: platform, key: key, value: value))
    }

    /// Adds all of others, which count before these.
    public mutating func add(_ others: Annotations) { items += others.items }

    /// What `place` carries for an image of `platform`.
    public func values(_ place: Place, for platform: Platform? = nil) -> [String: String] {
        var values: [String: String] = [:]
        for item in items where item.place == place {
            guard let wanted = item.platform else {
                values[item.key] = item.value
                continue
            }
            if let platform, wanted.accepts(platform) { values[item.key] = item.value }
        }
        return values
    }

    /// Whether anything is for `place`.
    public func has(_ place: Place) -> Bool { items.contains { $0.place == place } }

    /// The platforms that some annotation is for, in order.
    public var platforms: [Platform] { items.compactMap(\.platform) }
}

extension Annotations {
    /// Reads `[PLACE[[PLATFORM]],...:]KEY=VALUE`, as buildx has it: what stands before a colon in the key is a place, and
    /// without one it is the manifest.
    public mutating func add(parsing text: String) throws(OCIError) {
        guard let equals = text.firstIndex(of: "="), equals != text.startIndex else {
            throw .malformedAnnotation(text, reason: "[PLACE:]KEY=VALUE is expected")
        }
        let (head, value) = (text[..<equals], String(text[text.index(after: equals)...]))
        guard let colon = head.firstIndex(of: ":") else { return add(String(head), value, to: .manifest) }
        let key = String(head[head.index(after: colon)...])
        guard !key.isEmpty else { throw .malformedAnnotation(text, reason: "[PLACE:]KEY=VALUE is expected") }
        for place in head[..<colon].split(separator: ",", omittingEmptySubsequences: false) {
            let name = place.prefix { $0 != "[" }
            guard let known = Place(rawValue: String(name)) else {
                let all = Place.allCases.map(\.rawValue).joined(separator: ", ")
                throw .malformedAnnotation(text, reason: "'\(name)' is no place for one; places are \(all)")
            }
            add(key, value, to: known, platform: try Self.platform(place.dropFirst(name.count), of: text))
        }
    }

    /// Adds what `annotation-PLACE[PLATFORM].KEY` or `annotation.KEY` says; false where `name` is no such key.
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
        let place = head.isEmpty ? Place.manifest : Place(rawValue: String(head.dropFirst()))
        guard let place else { return false }
        add(String(name[name.index(after: dot)...]), value, to: place, platform: platform)
        return true
    }

    /// `[linux/amd64]`, or nothing.
    private static func platform(_ text: Substring, of whole: String) throws(OCIError) -> Platform? {
        if text.isEmpty { return nil }
        guard text.first == "[", text.last == "]", text.count > 2 else {
            throw .malformedAnnotation(whole, reason: "a platform in brackets is expected")
        }
        return try Platform(String(text.dropFirst().dropLast()))
    }
}
