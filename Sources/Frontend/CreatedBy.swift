/// The `created_by` texts of the image history, in BuildKit's form.
public enum CreatedBy {
    /// The `comment` of every entry.
    public static let comment = "buildkit.dockerfile.v0"

    /// Returns a text such as `RUN |1 A=b /bin/sh -c make # buildkit`.
    public static func run(_ words: [String], arguments: [String]) -> String {
        "RUN \((arguments + words).joined(separator: " ")) # buildkit"
    }

    /// Returns a text such as `COPY --chown=1:2 a b /dest/ # buildkit`, with expanded words.
    public static func transfer(
        _ keyword: String, sources: [String], heredocs: [Heredoc], destination: String, parents: Bool = false,
        chown: String? = nil, chmod: String? = nil
    ) -> String {
        var words = [keyword]
        if parents { words.append("--parents") }
        if let chown, !chown.isEmpty { words.append("--chown=\(chown)") }
        if let chmod, !chmod.isEmpty { words.append("--chmod=\(chmod)") }
        words += sources + heredocs.map { "<<\($0.name)" } + [destination, "# buildkit"]
        return words.joined(separator: " ")
    }

    /// Returns a text such as `ENV A=b C=d` or `LABEL a=b`.
    public static func pairs(_ keyword: String, _ variables: [Variable]) -> String {
        ([keyword] + variables.map(\.description)).joined(separator: " ")
    }

    /// Returns a text such as `ARG A=b C`.
    public static func arguments(_ declared: [(name: String, value: String?)]) -> String {
        (["ARG"] + declared.map { argument in argument.value.map { "\(argument.name)=\($0)" } ?? argument.name })
            .joined(separator: " ")
    }

    /// Returns a text such as `CMD ["/bin/sh" "-c" "x"]` or `ENTRYPOINT [...]`.
    public static func command(_ keyword: String, _ words: [String]) -> String {
        "\(keyword) [\(words.map(\.goQuoted).joined(separator: " "))]"
    }

    /// Returns a text such as `EXPOSE [80/tcp 90/udp]`, `VOLUME [/a /b]` or `SHELL [/bin/bash -c]`.
    public static func list(_ keyword: String, _ words: [String]) -> String {
        "\(keyword) [\(words.joined(separator: " "))]"
    }

    /// Returns a text such as `USER app`, `WORKDIR /app`, `STOPSIGNAL SIGINT` or `MAINTAINER me`.
    public static func value(_ keyword: String, _ text: String) -> String { "\(keyword) \(text)" }

    /// Returns a text such as `HEALTHCHECK {Test:[CMD-SHELL x] Interval:5m0s ...}`.
    public static func healthcheck(_ check: Instruction.Healthcheck) -> String {
        let times: [(String, Int64)] = [
            ("Interval", check.interval), ("Timeout", check.timeout), ("StartPeriod", check.startPeriod),
            ("StartInterval", check.startInterval),
        ]
        let shown = times.map { "\($0.0):\(GoDuration.text($0.1)) " }.joined()
        return "HEALTHCHECK {Test:[\(check.test.joined(separator: " "))] \(shown)Retries:\(check.retries)}"
    }
}
