internal import OCI

/// One input of a step: its name and its value.
struct StepInput: Sendable, Hashable {
    let name: String
    let value: String

    /// The name of the input for the layers below a step.
    static let base = "the layers below"
    /// The name of the input for the newest time in these layers.
    static let newest = "the newest time below"
    /// The inputs that follow from a change in an earlier step; they explain least.
    static let ofBase: Set<String> = [base, newest]

    init(name: String, value: String) {
        self.name = name
        self.value = value
    }

    /// A variable, `NAME=value`, in the step's environment.
    init(variable: String, of kind: String) {
        let parts = variable.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        let value = parts.count > 1 ? String(parts[1]) : nil
        self.init(
            name: "\(kind) \(parts[0])",
            value: value.map { Self.isSecret(String(parts[0])) ? "\(Digest(of: Array($0.utf8)))" : "\"\($0)\"" }
                ?? "unset")
    }

    /// True if a variable's value may be a secret, so that only its digest is reported.
    private static func isSecret(_ name: String) -> Bool {
        ["TOKEN", "PASSW", "PWD", "SECRET", "KEY", "CREDENTIAL", "AUTH"].contains { name.uppercased().contains($0) }
    }
}

/// An input that changed.
public struct StepChange: Sendable, Hashable, CustomStringConvertible {
    /// The name of the input: `file src/main.c`, `variable VERSION`, `the layers below`.
    public let input: String
    /// The earlier value; nil if the input is new.
    public let before: String?
    /// The new value; nil if the input was removed.
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

    /// Returns the differences of two lists of inputs, in the order of the newer one, removed inputs last.
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
