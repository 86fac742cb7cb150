internal import ImageFiles
internal import Linux
internal import OCI

/// The page of `thaw boot --profile`: the processor time of a start as a flame graph, and its largest causes.
public struct FlameGraphPage: Sendable {
    /// One part of the work.
    public struct Row: Sendable, Equatable {
        /// The frames of each view, outermost first.
        public let code: [String]
        public let package: [String]
        public let layer: [String]
        public let milliseconds: Double

        /// Makes a row.
        public init(code: [String], package: [String], layer: [String], milliseconds: Double) {
            (self.code, self.package, self.layer, self.milliseconds) = (code, package, layer, milliseconds)
        }
    }

    /// A cause of the work, with its cost.
    public struct CostedCause: Sendable, Equatable {
        public let text: String
        public let amount: String
        /// The part of the whole, from 0 to 1.
        public let share: Double
        /// The remedy; nil if none is known.
        public let remedy: String?

        /// Makes a cause.
        public init(text: String, amount: String, share: Double, remedy: String?) {
            (self.text, self.amount, self.share, self.remedy) = (text, amount, share, remedy)
        }
    }

    private let title: String
    private let note: String
    private let rows: [Row]
    private let causes: [CostedCause]
    private let foldedStacks: String

    /// Makes a page.
    ///
    /// - Parameters:
    ///   - note: One sentence about the measurement.
    ///   - foldedStacks: The same parts as text, one line for each.
    public init(title: String, note: String, rows: [Row], causes: [CostedCause], foldedStacks: String) {
        (self.title, self.note, self.rows) = (title, note, rows)
        (self.causes, self.foldedStacks) = (causes, foldedStacks)
    }

    /// The page's HTML, which loads nothing.
    public var html: String {
        page(
            title: "start of \(title)", script: flameGraphScript,
            [
                "<h1>Start of \(title)</h1><p class=\"sub\">\(note)</p>\n", graph,
                section("Causes", CostedCause.list(causes)), stacks,
            ])
    }

    private var graph: Markup {
        let data = JSON.array(
            rows.map { row in
                .array(
                    [row.code, row.package, row.layer].map { .array($0.map { .string($0.visibleLine) }) }
                        + [.number(row.milliseconds)])
            })
        // No tag can end the data before its end.
        let text = data.bytes.text.replacing("<", with: "\\u003c")
        return
            "\(Self.frame)<script type=\"application/json\" id=\"flamedata\">\(Markup(stringLiteral: text))</script>\n"
    }

    private var stacks: Markup {
        let lines = foldedStacks.split(separator: "\n").map { line -> Markup in "\(String(line))\n" }
        return """
            <section><details><summary>Folded stacks, in microseconds</summary><pre class="scroll">\(lines)</pre></details></section>

            """
    }

    private static let frame: Markup = """
        <style>
        #flame{position:relative;margin-top:10px;overflow:hidden}
        #flame button{position:absolute;height:19px;border:0;border-radius:3px;padding:0 4px;text-align:left;font:12px/19px system-ui,sans-serif;
        color:#1b2230;overflow:hidden;white-space:nowrap;text-overflow:ellipsis;cursor:pointer;box-shadow:inset 0 0 0 1px #fff6}
        #flame button:focus-visible{outline:2px solid var(--bar);outline-offset:-2px;z-index:1}
        #flame .dim{opacity:.35}
        #by{display:flex;flex-wrap:wrap;gap:4px 6px;align-items:center;font-size:13.5px}
        #by button{font:inherit;color:inherit;background:var(--track);border:1px solid var(--line);border-radius:6px;padding:2px 9px;cursor:pointer;min-height:26px}
        #by button[aria-pressed=true]{border-color:var(--bar);font-weight:600}
        #detail{min-height:22px;font-size:13.5px;color:var(--dim);overflow-wrap:anywhere;margin-top:8px}
        #find{width:100%;font:inherit;color:inherit;background:var(--paper);border:1px solid var(--line);border-radius:8px;padding:7px 11px;margin-top:8px}
        pre{font-size:12px}
        </style>
        <section id="flames" hidden>
        <h2>Processor time until the first byte</h2>
        <p class="note">A frame's width is its time. Select a frame to enlarge it, Escape for the whole.</p>
        <div id="by" role="group" aria-label="Frames"><button type="button" data-by="0">code</button><button type="button" data-by="1">package</button><button type="button" data-by="2">layer</button></div>
        <input id="find" type="search" placeholder="Search in frames" aria-label="Search in frames" autocomplete="off" spellcheck="false">
        <div id="flame" role="group" aria-label="Flame graph"></div>
        <p id="detail" role="status"></p>
        </section>

        """
}

extension FlameGraphPage.CostedCause {
    /// Makes a table of causes; empty without any.
    static func list(_ causes: [FlameGraphPage.CostedCause]) -> [Markup] {
        guard !causes.isEmpty else { return [] }
        let rows = causes.map { cause -> Markup in
            let remedy: Markup = cause.remedy.map { "<br><span class=\"note\">\($0)</span>" } ?? ""
            return """
                <tr><td class="num">\(percent(cause.share))</td><td class="num">\(cause.amount)</td>\
                <td>\(cause.text)\(remedy)</td></tr>

                """
        }
        let titles: Markup = "<tr><th class=\"num\">Share</th><th class=\"num\">Cost</th><th>Cause</th></tr>\n"
        return ["<div class=\"scroll\"><table>\(titles)\(rows)</table></div>"]
    }
}
