import Harness
import Linux
import OCI
import SystemPackage
import Testing

/// Which examples other people's programs are asked about.
enum Peers {
    /// The name that an example's image has in the store.
    static func name(of example: Example) -> String {
        let letters = example.name.lowercased().utf8.map {
            (0x61...0x7a).contains($0) || (0x30...0x39).contains($0) ? $0 : 0x2d
        }
        let words = String(decoding: letters, as: UTF8.self).split(separator: "-").joined(separator: "-")
        return "example-\(words)"
    }

    /// Those that have more than plain files, and some of the others.
    static let examples: [Example] = Example.images.enumerated().filter { index, example in
        let lines = (example["tree"] ?? []) + (example["tree over base"] ?? []) + (example["last layer"] ?? [])
        let isSpecial = lines.contains {
            $0.contains(" == ") || $0.contains(" fifo") || $0.contains("\\x") || $0.contains("- ")
        }
        return index.isMultiple(of: 10) || isSpecial
    }.map(\.element)

    /// A condition that is printed with its reason when a peer is absent.
    static func has(_ name: String) -> ConditionTrait {
        .enabled(if: Program.exists(name), "\(name) is not installed; 'make deps' installs it")
    }
}
