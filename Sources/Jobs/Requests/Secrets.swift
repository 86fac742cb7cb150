public import Build
internal import Linux
internal import SystemPackage

extension Secret {
    /// Parses `id=NAME[,src=FILE|,env=VARIABLE][,type=file|env]`.
    ///
    /// Without source and type, NAME is an environment variable if there is one of that name, else a file.
    public static func parse(_ text: String) throws -> (String, Secret) {
        var fields: [String: String] = [:]
        for field in try CSV.fields(text, "--secret") {
            let parts = field.split(separator: "=", maxSplits: 1).map(String.init)
            let known = ["id": "id", "src": "src", "source": "src", "env": "env", "type": "type"]
            guard parts.count == 2, let key = known[parts[0].lowercased()] else {
                throw Failure("--secret '\(text)': '\(field)' is not id=, src=, env= or type=", status: .usage)
            }
            fields[key] = parts[1]
        }
        guard let id = fields["id"] else { throw Failure("--secret '\(text)' has no id=", status: .usage) }
        switch (fields["type"], fields["env"], fields["src"]) {
        case (_, let variable?, _), ("env", nil, let variable?): return (id, .environment(variable))
        case ("env", nil, nil): return (id, .environment(id))
        case (nil, nil, nil) where Environment[id] != nil: return (id, .environment(id))
        case (nil, _, let file), ("file", _, let file):
            guard fileExists(FilePath(file ?? id)) else {
                throw Failure("--secret '\(text)': there is no file '\(file ?? id)'", status: .usage)
            }
            return (id, .file(file ?? id))
        case (let type?, _, _): throw Failure("--secret '\(text)': type '\(type)' is not file or env", status: .usage)
        }
    }
}

extension SSHAgent {
    /// Parses `ID`, `ID=SOCKET` or `ID=KEY,KEY`; without a place it is that of SSH_AUTH_SOCK.
    public static func parse(_ text: String) throws -> (String, SSHAgent) {
        let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        let id = parts[0]
        guard !parts.contains("") else {
            throw Failure("--ssh '\(text)' is not ID, ID=SOCKET or ID=KEY", status: .usage)
        }
        guard let places = parts.count > 1 ? parts[1] : Environment["SSH_AUTH_SOCK"] else {
            throw Failure(
                "--ssh \(id): SSH_AUTH_SOCK is not set", remedy: "start an agent: eval $(ssh-agent); ssh-add",
                status: .usage)
        }
        let files = places.split(separator: ",").map(String.init)
        if let missing = files.first(where: { !fileExists(FilePath($0)) }) {
            throw Failure("--ssh '\(text)': there is no file '\(missing)'", status: .usage)
        }
        let kinds = try files.map { try OwnedDescriptor(FilePath($0), .path).status().type }
        if files.count == 1, kinds[0] == .socket { return (id, .socket(files[0])) }
        guard !kinds.contains(.socket) else {
            throw Failure("--ssh '\(text)' is neither one socket nor only key files", status: .usage)
        }
        return (id, .keys(files))
    }
}
