public import OCI
public import Project

// The values of a build's options.

extension Platform {
    /// Parses the value of `--platform`, without duplicates; `local` is this machine's.
    ///
    /// - Parameter option: The value; nil for that of `DOCKER_DEFAULT_PLATFORM`, else this machine's.
    public static func list(_ option: String?) throws -> [Platform] {
        guard let option = option ?? Environment["DOCKER_DEFAULT_PLATFORM"] else { return [.host] }
        var platforms: [Platform] = []
        for text in option.split(separator: ",", omittingEmptySubsequences: false).map(\.trimmingSpaces) {
            let platform = text == "local" ? .host : try Jobs.platform(text)
            if !platforms.contains(platform) { platforms.append(platform) }
        }
        return platforms
    }
}

/// Returns the values of ARG from the project's file and from `--build-arg`, which takes precedence.
///
/// An option without `=` takes the value of the environment.
public func buildArguments(_ options: [String], _ project: ProjectFile) -> [String: String] {
    var values = project.build.args ?? [:]
    for text in options {
        let (name, value) = split(text)
        values[name] = value ?? Environment[name]
    }
    return values
}

/// Parses the `NAME=VALUE` of a repeated option.
public func pairs(_ texts: [String], _ option: String) throws -> [String: String] {
    var values: [String: String] = [:]
    for text in texts {
        let (name, value) = split(text)
        guard let value, !name.isEmpty else { throw Failure("\(option) '\(text)' is not NAME=VALUE", status: .usage) }
        values[name] = value
    }
    return values
}

private func split(_ text: String) -> (name: String, value: String?) {
    guard let equals = text.firstIndex(of: "=") else { return (text, nil) }
    return (String(text[..<equals]), String(text[text.index(after: equals)...]))
}

/// Returns the SOURCE_DATE_EPOCH of the environment, in seconds since 1970; nil if a build argument has it.
public func sourceDateEpoch(_ arguments: [String: String]) throws -> Int64? {
    guard arguments["SOURCE_DATE_EPOCH"] == nil, let text = Environment["SOURCE_DATE_EPOCH"] else { return nil }
    guard let seconds = Int64(text), seconds >= 0 else {
        throw Failure("SOURCE_DATE_EPOCH '\(text)' is not a number of seconds", status: .usage)
    }
    return seconds
}
