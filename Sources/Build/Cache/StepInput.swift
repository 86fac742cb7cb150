internal import OCI

/// One thing that a step depends on: what it is called, and what it was.
struct StepInput: Sendable, Hashable {
    let name: String
    let value: String

    /// The name of the layers that a step stands on.
    static let base = "the layers below"
    /// The name of the newest time in them.
    static let newest = "the newest time below"
    /// What follows from a change further down: it explains least.
    static let ofBase: Set<String> = [base, newest]

    init(name: String, value: String) {
        self.name = name
        self.value = value
    }

    /// A variable, `NAME=value`, of the step's environment.
    init(variable: String, of kind: String) {
        let parts = variable.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        let value = parts.count > 1 ? String(parts[1]) : nil
        self.init(
            name: "\(kind) \(parts[0])",
            value: value.map { Self.isSecret(String(parts[0])) ? "\(Digest(of: Array($0.utf8)))" : "\"\($0)\"" }
                ?? "unset")
    }

    /// Whether a variable's value had better not be told, only that it changed.
    private static func isSecret(_ name: String) -> Bool {
        ["TOKEN", "PASSW", "PWD", "SECRET", "KEY", "CREDENTIAL", "AUTH"].contains { name.uppercased().contains($0) }
    }
}

/// An input that is not what it was.
public struct StepChange: Sendable, Hashable, CustomStringConvertible {
    /// What changed: `file src/main.c`, `variable VERSION`, `the layers below`.
    public let input: String
    /// What it was; nil where there was no such input.
    public let before: String?
    /// What it is; nil where there is no such input any more.
    public let after: String?

    public var description: String {
        switch (before, after) {
        case (nil, let after?): "\(input) is new: \(Self.shortened(after))"
        case (let before?, nil): "\(input) is gone: was \(Self.shortened(before))"
        case (let before, let after):
            "\(input) changed: \(Self.shortened(before ?? "")) -> \(Self.shortened(after ?? ""))"
        }
    }

    private static func shortened(_ text: String) -> String {
        let words = text.split(whereSeparator: \.isWhitespace).map { word in
            (try? Digest(String(word)))?.short ?? String(word)
        }
        let line = words.joined(separator: " ")
        return line.count > 80 ? line.prefix(77) + "..." : line
    }

    /// In what two lists of inputs differ, in the order of the newer one; what is gone comes last.
    static func between(_ before: [StepInput], _ after: [StepInput]) -> [StepChange] {
        let old = Dictionary(before.map { ($0.name, $0.value) }) { first, _ in first }
        let new = Set(after.map(\.name))
        let changed = after.filter { old[$0.name] != $0.value }.map {
            StepChange(input: $0.name, before: old[$0.name], after: $0.value)
        }
        let gone = before.filter { !new.contains($0.name) }.map {
            StepChange(input: $0.name, before: $0.value, after: nil)
        }
        return changed + gone
    }
}
