import Jobs
import Linux
import Project
import Testing

/// The one verdict on budgets.
@Suite struct BudgetTests {
    private static let figures = ImageFigures(
        compressedSize: 61_200_000, unpackedSize: 150_000_000, layerCount: 3, wastedBytes: 999_960,
        startMilliseconds: 4298.9)

    private static func verdict(_ set: (inout ProjectFile.Budget) -> Void) -> BudgetVerdict {
        var budget = ProjectFile.Budget()
        set(&budget)
        return BudgetVerdict(budget, figures)
    }

    @Test("A figure equal to its budget holds, and a larger one does not")
    func limits() {
        let exact = Self.verdict {
            ($0.size, $0.layers, $0.start) = (ByteCount(61_200_000), 3, .microseconds(4_298_900))
        }
        #expect(exact.holds && exact.rows.count == 3)
        #expect(!Self.verdict { $0.size = ByteCount(61_199_999) }.holds)
        #expect(!Self.verdict { $0.layers = 2 }.holds)
    }

    @Test("Only budgets that are set are part of the verdict, in the order of the keys")
    func order() {
        #expect(Self.verdict { _ in }.rows.isEmpty)
        let all = Self.verdict {
            $0 = ProjectFile.Budget()
            ($0.start, $0.waste, $0.layers, $0.unpacked, $0.size) = (
                .seconds(1), ByteCount(1), 1, ByteCount(1), ByteCount(1)
            )
        }
        #expect(all.rows.map(\.name) == ["size", "unpacked", "layers", "waste", "start"])
    }

    @Test("A counted start says so, and a budget of work has the figure")
    func counted() {
        var (figures, budget) = (Self.figures, ProjectFile.Budget())
        (figures.isStartCounted, figures.startWork) = (true, 251_000_000)
        (budget.start, budget.startWork) = (.seconds(4), 250_000_000)
        #expect(
            BudgetVerdict(budget, figures).text == """
                BROKEN  start: 4.3 s of 4 s, 299 ms too much; counted, with 1 ns for an instruction
                BROKEN  start-work: 251000000 of 250000000, 1000000 too much
                """)
    }

    @Test("A budget without a figure is not judged")
    func unmeasured() {
        var (figures, budget) = (Self.figures, ProjectFile.Budget())
        figures.startMilliseconds = nil
        budget.start = .seconds(1)
        #expect(BudgetVerdict(budget, figures).rows.isEmpty)
    }

    @Test("The text names the figure, the budget and the excess, each with its unit")
    func text() {
        let verdict = Self.verdict {
            ($0.size, $0.layers, $0.waste, $0.start) = (
                ByteCount(50_000_000), 3, ByteCount(1_000_000), .seconds(4)
            )
        }
        #expect(
            verdict.text == """
                BROKEN  size: 61.2MB of 50.0MB, 11.2MB too much
                holds  layers: 3 of 3
                holds  waste: 1.0MB of 1.0MB
                BROKEN  start: 4.3 s of 4 s, 299 ms too much
                """)
    }

    @Test("The document has bytes and milliseconds without units")
    func document() throws {
        let document = Self.verdict { $0.start = .seconds(4) }.document
        #expect(
            document
                == (try JSON(
                    parsing: Array(
                        #"""
                        {"schemaVersion": 1, "kind": "gate", "holds": false,
                         "budgets": [{"name": "start", "limit": 4000, "measured": 4298.9, "holds": false}]}
                        """#.utf8))))
    }
}
