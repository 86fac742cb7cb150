internal import Glibc
internal import Linux
internal import OCI
internal import SystemPackage

/// A program `docker-credential-NAME` that keeps credentials.
///
/// It takes an action as its argument, reads a document from stdin and writes one to stdout.
struct CredentialHelper: Sendable {
    private let program: String
    private static let outputLimit = 1 << 20
    /// The output of helpers without a matching credential; part of their protocol.
    private static let unknown = "credentials not found in native keychain"

    /// Makes the helper that `file` names.
    init(_ name: String, file: FilePath) throws(RegistryError) {
        let isWord = { (byte: UInt8) in
            (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20) || (48...57).contains(byte)
                || "._-".utf8.contains(byte)
        }
        guard name.utf8.allSatisfy(isWord) else {
            throw .malformedFile(file.string, reason: "the credential helper's name has invalid characters")
        }
        program = "docker-credential-\(name)"
    }

    /// Returns the credential of a server, if the helper has one.
    func get(_ server: String) throws -> Credential? {
        let answer = try run("get", Array(server.utf8))
        let text = String(decoding: answer.output, as: UTF8.self)
        if answer.status != 0, text.contains(Self.unknown) { return nil }
        let json = try? JSON(parsing: answer.output, what: program)
        guard answer.status == 0, let user = json?["Username"]?.string, let secret = json?["Secret"]?.string else {
            throw RegistryError.helperFailed(program, reason: "failed with status \(answer.status)")
        }
        if user.isEmpty, secret.isEmpty { return nil }
        return user == "<token>" ? .identityToken(secret) : .password(user: user, secret)
    }

    /// Stores a credential with the helper.
    func store(_ credential: Credential, _ server: String) throws {
        let (user, secret) =
            switch credential {
            case .password(let user, let password): (user, password)
            case .identityToken(let token): ("<token>", token)
            }
        let document = JSON.strings(["ServerURL": server, "Username": user, "Secret": secret])
        let status = try run("store", document.bytes).status
        if status != 0 { throw RegistryError.helperFailed(program, reason: "failed with status \(status)") }
    }

    /// Removes the credential of a server; false if there was none.
    func erase(_ server: String) throws -> Bool { try run("erase", Array(server.utf8)).status == 0 }

    private func run(_ word: String, _ input: [UInt8]) throws -> (status: Int32, output: [UInt8]) {
        let streams = try SocketPair()
        let ends = streams.theirs.rawValue
        let process: Int32
        do throws(SystemError) {
            // Its stderr is discarded, because it may contain secrets.
            process = try Spawn.start([program, word], streams: [ends, ends, nil])
        } catch {
            guard error.errno == .noSuchFileOrDirectory else { throw error }
            throw RegistryError.helperMissing(program)
        }
        let output = try streams.exchange(input, limit: Self.outputLimit)
        let exit =
            switch Spawn.wait(process) {
            case .exited(let status): status
            case .signalled(let signal): -signal
            }
        return (exit, output)
    }
}

/// A socket's ends: ours, and the one that becomes a program's stdin and stdout.
private struct SocketPair: ~Copyable {
    let ours: OwnedDescriptor
    let theirs: OwnedDescriptor

    init() throws(SystemError) {
        var ends: [Int32] = [-1, -1]
        try system("make a socket pair") {
            unsafe socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0, &ends)
        }
        ours = OwnedDescriptor(owning: ends[0])
        theirs = OwnedDescriptor(owning: ends[1])
    }

    /// Sends all of the input to the program at the other end, then reads its output until it closes.
    consuming func exchange(_ input: [UInt8], limit: Int) throws -> [UInt8] {
        try theirs.close()
        // The exit status decides about a program that ends without reading.
        try? ours.write(input)
        shutdown(ours.rawValue, Int32(SHUT_WR))
        return (try? ours.readAll(limit: limit)) ?? []
    }
}
