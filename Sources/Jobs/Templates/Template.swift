internal import Linux

/// A template of `--format`, in the part of Go's text/template that Docker's users write.
///
/// ```
/// {{.ID}}: {{.CreatedBy}}     fields, also of nested objects: {{.Config.User}}
/// {{json .}}  {{len .Tags}}   functions: json, len, join, printf, print, println, index, upper, lower
/// {{.Tags | join ","}}        the value before | is the last argument; docker's {{join .Tags ","}} works too
/// {{range .Tags}}{{.}} {{end}} a text for each element of a list
/// table {{.ID}}\t{{.Size}}    columns with a line of titles
/// ```
/// `\t` and `\n` in the text are a tab and a newline. `if` and variables are not part of it.
public struct Template: Sendable {
    let parts: [TemplatePart]
    /// True for a table.
    public let isTable: Bool

    /// A piece of a template.
    enum TemplatePart: Sendable, Equatable {
        case text(String)
        case pipeline([PipelineCommand])
        case range([PipelineCommand], body: [TemplatePart])
    }

    /// A function with its arguments, or a single value.
    struct PipelineCommand: Sendable, Equatable {
        var function: String?
        var arguments: [Term]
    }

    /// A value in a template.
    indirect enum Term: Sendable, Equatable {
        case field([String])
        case constant(JSON)
        case pipeline([PipelineCommand])
    }

    /// Parses a template; a malformed one is a usage failure.
    public init(_ text: String) throws {
        isTable = text == "table" || text.hasPrefix("table ")
        let body = isTable ? String(text.dropFirst("table ".count)) : text
        do throws(TemplateError) {
            parts = try Self.parse(body.replacing("\\t", with: "\t").replacing("\\n", with: "\n"))
        } catch {
            throw error.failure
        }
    }

    /// Parses the value of `--format` that is none of the words of a command.
    ///
    /// - Parameter words: The formats with a name, for the message: `text or json`.
    public init(_ text: String, besides words: String) throws {
        guard text.contains("{{") || text.hasPrefix("table") else {
            throw Failure("--format '\(text.visibleLine)' is not \(words), and not a Go template", status: .usage)
        }
        try self.init(text)
    }

    private static func parse(_ text: String) throws(TemplateError) -> [TemplatePart] {
        var rest = text[...]
        return try parse(&rest, depth: 0)
    }

    /// Parses up to `{{end}}` of a range, or the end of the text at depth 0.
    private static func parse(_ rest: inout Substring, depth: Int) throws(TemplateError) -> [TemplatePart] {
        var parts: [TemplatePart] = []
        guard depth < 10 else { throw TemplateError("ranges are nested too deeply") }
        while let start = rest.firstRange(of: "{{") {
            var before = rest[..<start.lowerBound]
            rest = rest[start.upperBound...]
            if rest.hasPrefix("- ") {
                while before.last?.isWhitespace == true { before.removeLast() }
                rest = rest.dropFirst()
            }
            if !before.isEmpty { parts.append(.text(String(before))) }
            guard !rest.hasPrefix("/*") else {
                guard let end = rest.firstRange(of: "*/}}") else { throw TemplateError("a comment has no end") }
                rest = rest[end.upperBound...]
                continue
            }
            var parser = TemplateParser(rest)
            let action = try parser.action()
            rest = parser.rest
            if parser.trims { rest = rest.drop(while: \.isWhitespace) }
            switch action {
            case .value(let pipeline): parts.append(.pipeline(pipeline))
            case .range(let list): parts.append(.range(list, body: try parse(&rest, depth: depth + 1)))
            case .end:
                guard depth > 0 else { throw TemplateError("there is no range for '{{end}}'") }
                return parts
            }
        }
        guard depth == 0 else { throw TemplateError("a range has no '{{end}}'") }
        if !rest.isEmpty { parts.append(.text(String(rest))) }
        return parts
    }
}

/// An error in a template, as one sentence.
struct TemplateError: Error, Equatable {
    let message: String

    init(_ message: String) { self.message = message }

    /// The report of the error.
    var failure: Failure { Failure("--format: \(message)", status: .usage) }
}

extension Template {
    /// True if the template may read a field of the document, or the document as a whole.
    func reads(_ field: String) -> Bool { Self.reads(parts, field) }

    private static func reads(_ parts: [TemplatePart], _ field: String) -> Bool {
        parts.contains { part in
            switch part {
            case .text: false
            case .pipeline(let commands): reads(commands, field)
            case .range(let commands, let body): reads(commands, field) || reads(body, field)
            }
        }
    }

    private static func reads(_ commands: [PipelineCommand], _ field: String) -> Bool {
        commands.flatMap(\.arguments).contains { term in
            switch term {
            case .field(let path): path.isEmpty || path[0] == field
            case .constant: false
            case .pipeline(let commands): reads(commands, field)
            }
        }
    }
}
