public import Linux

/// One line of an image's history (OCI image spec, config, history).
public struct History: Hashable, Sendable {
    /// The time in RFC 3339.
    public var created: String?
    /// The command that made it.
    public var createdBy: String?
    /// Free text; names the builder.
    public var comment: String?
    /// True if the step made no layer.
    public var isEmptyLayer: Bool

    public init(created: String?, createdBy: String?, comment: String? = nil, isEmptyLayer: Bool = false) {
        self.created = created
        self.createdBy = createdBy
        self.comment = comment
        self.isEmptyLayer = isEmptyLayer
    }

    init(_ json: JSON) {
        self.init(
            created: json["created"]?.string, createdBy: json["created_by"]?.string, comment: json["comment"]?.string,
            isEmptyLayer: json["empty_layer"]?.bool ?? false)
    }

    var json: JSON {
        var json = JSON.object([:])
        json["created"] = created.map(JSON.string)
        json["created_by"] = createdBy.map(JSON.string)
        json["comment"] = comment.map(JSON.string)
        if isEmptyLayer { json["empty_layer"] = .bool(true) }
        return json
    }
}

/// The run settings and the layers of an image (OCI image spec, config).
///
/// The type is a view over the document: members that it doesn't know remain in it.
public struct ImageConfig: Hashable, Sendable {
    public private(set) var json: JSON

    /// Makes the configuration of an image without files.
    public init(platform: Platform) {
        json = .strings(["architecture": platform.architecture, "os": platform.os])
        json["variant"] = platform.variant.map(JSON.string)
        json["config"] = .object([:])
        diffIDs = []
    }

    /// Parses a configuration.
    public init(parsing bytes: [UInt8], digest: Digest) throws(OCIError) {
        let what = "image configuration \(digest)"
        json = try JSON(parsing: bytes, what: what)
        guard json["rootfs"]?["diff_ids"]?.strings != nil || json["rootfs"]?["diff_ids"] == nil else {
            throw .malformedDocument(what, reason: "rootfs.diff_ids is not a list of digests")
        }
        for text in json["rootfs"]?["diff_ids"]?.strings ?? [] { _ = try Digest(text) }
    }

    /// A member at the top of the document, such as one that only some programs know; assigning nil removes it.
    public subscript(member: String) -> JSON? {
        get { json[member] }
        set { json[member] = newValue }
    }

    /// The canonical bytes.
    public var bytes: [UInt8] { json.bytes }

    /// The image's platform.
    public var platform: Platform {
        Platform(
            os: json["os"]?.string ?? "linux", architecture: json["architecture"]?.string ?? "amd64",
            variant: json["variant"]?.string)
    }

    /// The time of the image's creation, in RFC 3339.
    public var created: String? {
        get { json["created"]?.string }
        set { json["created"] = newValue.map(JSON.string) }
    }

    public var author: String? {
        get { json["author"]?.string }
        set { json["author"] = newValue.map(JSON.string) }
    }

    /// The digests of the uncompressed layers, lowest first.
    public var diffIDs: [Digest] {
        get { (json["rootfs"]?["diff_ids"]?.strings ?? []).compactMap { try? Digest($0) } }
        set {
            json["rootfs"] = .object(["type": .string("layers"), "diff_ids": .strings(newValue.map(\.description))])
        }
    }

    /// The steps that made the image, oldest first.
    public var history: [History] {
        get { (json["history"]?.array ?? []).map(History.init) }
        set { json["history"] = .array(newValue.map(\.json)) }
    }
}

extension ImageConfig {
    private subscript(run key: String) -> JSON? {
        get { json["config"]?[key] }
        set {
            // A document without such an object, or with another value in its place, gets one.
            json["config", default: .object([:])][key] = newValue
        }
    }

    private func text(_ key: String) -> String { self[run: key]?.string ?? "" }

    private func keys(_ key: String) -> [String] { (self[run: key]?.object ?? [:]).keys.sorted() }

    private static func set(_ keys: [String]) -> JSON? {
        keys.isEmpty ? nil : .members(Dictionary(keys.map { ($0, .object([:])) }) { first, _ in first })
    }

    private static func nonempty(_ text: String) -> JSON? { text.isEmpty ? nil : .string(text) }

    /// The variables as `NAME=value`, in order.
    public var environment: [String] {
        get { self[run: "Env"]?.strings ?? [] }
        set { self[run: "Env"] = newValue.isEmpty ? nil : .strings(newValue) }
    }

    /// Returns the value of one variable.
    public func environmentValue(_ name: String) -> String? {
        environment.last { $0.hasPrefix("\(name)=") }.map { String($0.dropFirst(name.count + 1)) }
    }

    /// The command that always runs; nil if none is set.
    public var entrypoint: [String]? {
        get { self[run: "Entrypoint"]?.strings }
        set { self[run: "Entrypoint"] = newValue.map(JSON.strings) }
    }

    /// The default arguments, or the command if there is no entrypoint.
    public var command: [String]? {
        get { self[run: "Cmd"]?.strings }
        set { self[run: "Cmd"] = newValue.map(JSON.strings) }
    }

    /// The entrypoint and the command, as they are run.
    public var arguments: [String] { (entrypoint ?? []) + (command ?? []) }

    /// The user as `user[:group]`, by name or number; empty means root.
    public var user: String {
        get { text("User") }
        set { self[run: "User"] = Self.nonempty(newValue) }
    }

    /// The working directory; empty means `/`.
    public var workingDirectory: String {
        get { text("WorkingDir") }
        set { self[run: "WorkingDir"] = Self.nonempty(newValue) }
    }

    /// The signal that stops the program; empty means SIGTERM.
    public var stopSignal: String {
        get { text("StopSignal") }
        set { self[run: "StopSignal"] = Self.nonempty(newValue) }
    }

    /// The labels by name.
    public var labels: [String: String] {
        get { self[run: "Labels"]?.object?.compactMapValues(\.string) ?? [:] }
        set { self[run: "Labels"] = newValue.isEmpty ? nil : .strings(newValue) }
    }

    /// The ports as `8080/tcp`, sorted.
    public var exposedPorts: [String] {
        get { keys("ExposedPorts") }
        set { self[run: "ExposedPorts"] = Self.set(newValue) }
    }

    /// The volumes' paths, sorted.
    public var volumes: [String] {
        get { keys("Volumes") }
        set { self[run: "Volumes"] = Self.set(newValue) }
    }

    /// Docker's SHELL extension.
    public var shell: [String]? {
        get { self[run: "Shell"]?.strings }
        set { self[run: "Shell"] = newValue.map(JSON.strings) }
    }

    /// Docker's ONBUILD triggers, in order.
    public var onBuild: [String] {
        get { self[run: "OnBuild"]?.strings ?? [] }
        set { self[run: "OnBuild"] = newValue.isEmpty ? nil : .strings(newValue) }
    }

    /// Docker's health check, unchanged.
    public var healthcheck: JSON? {
        get { self[run: "Healthcheck"] }
        set { self[run: "Healthcheck"] = newValue }
    }

    /// The flag of Windows and Docker that the command was one text.
    public var argumentsAreEscaped: Bool {
        get { self[run: "ArgsEscaped"]?.bool ?? false }
        set { self[run: "ArgsEscaped"] = newValue ? .bool(true) : nil }
    }
}
