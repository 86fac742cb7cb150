import Testing

@testable import Build

/// The inputs of steps as bytes, and their differences.
@Suite("Inputs of steps")
struct StepInputsTests {
    private static func inputs(_ list: [StepInput]) -> StepInputs {
        var inputs = StepInputs()
        for input in list { inputs.add(input) }
        return inputs
    }

    @Test("The list has the inputs in their order, also empty ones and those of a truncated file")
    func lists() {
        let list = [StepInput(name: "a", value: ""), StepInput(name: "", value: "b"), StepInput(name: "c", value: "d")]
        #expect(Self.inputs(list).list == list)
        #expect(StepInputs(Array("a\0b\0c".utf8)).list == [StepInput(name: "a", value: "b")])
        #expect(StepInputs().list.isEmpty && StepInputs().isEmpty)
    }

    @Test("The changes are those of the lists, wherever they are")
    func changes() {
        var random = SystemRandomNumberGenerator()
        for _ in 0..<2000 {
            func list() -> [StepInput] {
                (0..<Int.random(in: 0...5, using: &random)).map { index in
                    let value = String(repeating: "x", count: Int.random(in: 0...2, using: &random))
                    return StepInput(name: "\(Bool.random(using: &random) ? "x" : "")\(index)", value: value)
                }
            }
            let (before, after) = (list(), list())
            let expected = StepChange.between(before, after)
            #expect(Self.inputs(before).changes(to: Self.inputs(after)) == expected, "\(before) \(after)")
        }
    }
}
