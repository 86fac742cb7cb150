internal import HTTP

extension RegistryClient {
    /// Checks a user's name and password with a registry, then stores them in a file.
    ///
    /// - Throws: ``RegistryError/unauthorized(_:host:hadCredentials:)`` if the registry rejects them; nothing is stored
    ///   then.
    public func login(_ registry: String, _ credential: Credential, keepingIn file: AuthFile) async throws {
        use(credential, for: registry)
        try await offload { session in
            let call = RegistrySession.RegistryCall(
                method: .get, endpoint: Endpoint(registry: registry, path: ""), target: .path(""), scopes: [],
                action: "log in to \(registry)")
            _ = try session.retrying { try session.open(call) }
            try file.keep(credential, for: registry)
        }
    }
}
