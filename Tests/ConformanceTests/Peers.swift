import Harness
import Linux
import OCI
import SystemPackage
import Testing

/// The examples that other programs check.
enum Peers {
    /// Returns the name of an example's image in the store.
    static func name(of example: Example) -> String {
        let letters = example.name.lowercased().utf8.map {
            (0x61...0x7a).contains($0) || (0x30...0x39).contains($0) ? $0 : 0x2d
        }
        let words = String(decoding: letters, as: UTF8.self).split(separator: "-").joined(separator: "-")
        return "example-\(words)"
    }

    /// The examples with more than plain files, and every tenth of the others.
    static let examples: [Example] = Example.images.enumerated().filter { index, example in
        let lines = (example["tree"] ?? []) + (example["tree over base"] ?? []) + (example["last layer"] ?? [])
        let isSpecial = lines.contains {
            $0.contains(" == ") || $0.contains(" fifo") || $0.contains("\\x") || $0.contains("- ")
        }
        return index.isMultiple(of: 10) || isSpecial
    }.map(\.element)

    /// Returns a condition that is printed with its reason if a peer is not installed.
    static func has(_ name: String) -> ConditionTrait {
        .enabled(if: Program.exists(name), "\(name) is not installed; 'make deps' installs it")
    }
}
