import Linux
import OCI
import Testing

@testable import Analysis
@testable import ColdStart
@testable import Jobs

/// The causes of a start's work, and those of additional work.
@Suite struct WorkProfileTests {
    private static func part(
        _ milliseconds: Double, module: String? = nil, object: String? = "/usr/bin/python3.11", function: String? = nil,
        program: String = "python3", kernel: Bool = false, layer: Int = 1
    ) -> WorkPart {
        WorkPart(
            process: "\(program) (7)", program: program, module: module.map { WorkFile(path: $0, layer: layer) },
            object: object.map { WorkFile(path: $0, layer: 0, package: "python3.11-minimal") }, function: function,
            isKernel: kernel, milliseconds: milliseconds)
    }

    private static func profile(_ parts: [WorkPart], scripts: Set<String> = ["main.py"]) -> WorkProfile {
        var seen: Set<String> = []
        let modules = parts.compactMap(\.module).filter { seen.insert($0.path).inserted }
        return WorkProfile(
            parts: parts, milliseconds: parts.reduce(0) { $0 + $1.milliseconds }, sampledMilliseconds: 100,
            modules: modules, isIncomplete: false, scripts: scripts)
    }

    private static let before = profile([
        part(50, module: "/usr/lib/python3.11/__pycache__/json.cpython-311.pyc"),
        part(20, module: "/srv/app/__pycache__/a.cpython-311.pyc", layer: 4),
        part(10, module: "/srv/app/__pycache__/b.cpython-311.pyc", layer: 4),
        part(30, module: "/srv/main.py", layer: 4), part(25, kernel: true),
        part(15, object: "/lib64/ld-linux-x86-64.so.2"), part(5, function: "Py_BytesMain"),
    ])

    @Test("Each part belongs to one cause, and the causes add up to the whole")
    func causes() {
        let causes = Self.before.causes
        #expect(
            causes.map(\.text) == [
                "loading Python's json: 1 module (layer 1)", "loading and running /srv/main.py (layer 4)",
                "the kernel for python3", "loading and running /srv/app/a.py (layer 4)",
                "loading the shared libraries of python3", "loading and running /srv/app/b.py (layer 4)",
                "code of /usr/bin/python3.11 in python3, most in Py_BytesMain (layer 0)",
            ])
        #expect(causes.reduce(0) { $0 + $1.milliseconds } == Self.before.milliseconds)
    }

    @Test("Modules without bytecode, packages, shells and generated code are causes")
    func kinds() {
        let profile = Self.profile([
            Self.part(9, module: "/srv/app/a.py", layer: 4), Self.part(8, module: "/srv/app/b.py", layer: 4),
            Self.part(7, module: "/usr/lib/python3/dist-packages/numpy/core/__init__.pyc"),
            Self.part(6, module: "/app/node_modules/@scope/name/index.js", program: "node"),
            Self.part(5, program: "sh"), Self.part(4, object: nil, program: "node"),
        ])
        #expect(
            profile.causes.map(\.text) == [
                "CPython compiles and runs 2 modules without valid bytecode (layer 4)",
                "loading the package numpy: 1 module (layer 1)", "loading the package @scope/name: 1 module (layer 1)",
                "the shell sh", "code without a file in node",
            ])
        #expect(profile.causes[0].remedy?.hasSuffix("in the step that makes layer 4") == true)
    }

    /// The parts of a second start, and the causes of its additional work.
    static let changes: [(name: String, parts: [WorkPart], causes: [String])] = [
        ("nothing", [], []),
        (
            "lost bytecode",
            [
                part(120, module: "/srv/app/a.py", layer: 4), part(110, module: "/srv/app/b.py", layer: 4),
                part(-20, module: "/srv/app/__pycache__/a.cpython-311.pyc", layer: 4),
                part(-10, module: "/srv/app/__pycache__/b.cpython-311.pyc", layer: 4),
            ], ["200.0 CPython compiles 2 modules, layer 4 lost their .pyc"]
        ),
        (
            "a heavy import",
            [part(80, module: "/usr/lib/python3.11/asyncio/__pycache__/base_events.cpython-311.pyc")],
            ["80.0 loading Python's asyncio: 1 module (layer 1)"]
        ),
        (
            "a busy loop", [part(20, module: "/srv/main.py", layer: 4)],
            ["20.0 loading and running /srv/main.py (layer 4)"]
        ),
        ("noise of sampling", [part(0.3, kernel: true)], []),
    ]

    @Test("The causes of additional work are named, the largest first", arguments: changes)
    func additional(name: String, parts: [WorkPart], causes: [String]) {
        let sum = (Self.before.parts + parts).joined.filter { $0.milliseconds > 0 }
        let found = WorkComparison.causes(of: Self.profile(sum), against: Self.before)
        #expect(found.map { "\(($0.milliseconds * 10).rounded() / 10) \($0.text)" } == causes, "\(name)")
        #expect(WorkComparison.causes(of: Self.before, against: Self.profile(sum)).isEmpty || name == "lost bytecode")
    }

    @Test("A profile comes back from its document, and another document is none")
    func document() throws {
        let text = Self.before.document.text
        #expect(WorkProfile(try JSON(parsing: Array(text.utf8)))?.document.text == text)
        for wrong in ["{}", #"{"milliseconds":1,"parts":[{}],"modules":[],"scripts":[]}"#, "[]"] {
            #expect(WorkProfile(try JSON(parsing: Array(wrong.utf8))) == nil)
        }
    }

    @Test("No name of an image becomes an element of the page")
    func escapes() {
        let row = FlameGraphPage.Row(
            code: ["</script><script>alert(1)</script>"], package: ["<b>"], layer: ["&"], milliseconds: 1)
        let cause = FlameGraphPage.CostedCause(text: "<img src=x>", amount: "1 ms", share: 1, remedy: nil)
        let page = FlameGraphPage(
            title: "<i>", note: "<u>", rows: [row], causes: [cause], foldedStacks: "<s> 1\n")
        for element in ["</script><script>", "<img", "<i>", "<u>", "<s>", "<b>"] {
            #expect(!page.html.contains(element), "\(element)")
        }
    }
}
