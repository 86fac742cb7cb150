public import Linux

extension Template {
    /// Returns the text of rows, a line for each; a table begins with its titles.
    ///
    /// - Parameters:
    ///   - rows: Objects with the fields that the template may name.
    ///   - titles: The titles of the fields in a table.
    public func text(of rows: [JSON], titles: [String: String]) throws -> String {
        let known = Set(titles.keys)
        do throws(TemplateError) {
            var lines = isTable ? [try line(.strings(titles), known)] : []
            for row in rows { lines.append(try line(row, known)) }
            return (isTable ? Self.aligned(lines) : lines).map { $0 + "\n" }.joined()
        } catch {
            throw error.failure
        }
    }

    /// Returns the text of one document, whose fields are those that the template may name.
    public func text(of document: JSON) throws -> String {
        let fields = (document.object ?? [:]).keys.map { ($0, $0) }
        return try text(of: [document], titles: Dictionary(uniqueKeysWithValues: fields))
    }

    /// Returns the text of one object.
    private func line(_ row: JSON, _ known: Set<String>) throws(TemplateError) -> String {
        try TemplateEvaluation(row: row, known: known).text(of: parts)
    }

    /// Returns lines with their tabs replaced by blanks, so that columns begin at the same place.
    ///
    /// As in Docker, three blanks separate columns, and a column has at least ten characters.
    static func aligned(_ lines: [String]) -> [String] {
        let rows = lines.map { $0.split(separator: "\t", omittingEmptySubsequences: false).map(String.init) }
        var widths: [Int] = []
        for row in rows {
            for (column, cell) in row.dropLast().enumerated() {
                if column == widths.count { widths.append(10) }
                widths[column] = max(widths[column], cell.count + 3)
            }
        }
        return rows.map { row in
            let cells = row.enumerated().map { column, cell in
                column == row.count - 1 ? cell : cell + String(repeating: " ", count: widths[column] - cell.count)
            }
            var line = cells.joined()
            while line.last == " " { line.removeLast() }
            return line
        }
    }
}

/// The evaluation of a template's values for one object.
struct TemplateEvaluation {
    let row: JSON
    /// The fields that the row may have; nil for an element of a list, whose fields are not known.
    let known: Set<String>?

    func text(of parts: [Template.TemplatePart]) throws(TemplateError) -> String {
        var text = ""
        for part in parts {
            switch part {
            case .text(let literal): text += literal
            case .pipeline(let pipeline): text += Self.text(of: try value(of: pipeline))
            case .range(let list, let body):
                for element in try elements(of: list) {
                    text += try TemplateEvaluation(row: element, known: nil).text(of: body)
                }
            }
        }
        return text
    }

    /// Returns the elements of a list, or the values of an object by their names.
    private func elements(of list: [Template.PipelineCommand]) throws(TemplateError) -> [JSON] {
        switch try value(of: list) {
        case .null: return []
        case .array(let elements): return elements
        case let value:
            guard let object = value.object else { throw TemplateError("range needs a list or an object") }
            return object.sorted { $0.key < $1.key }.map(\.value)
        }
    }

    func value(of pipeline: [Template.PipelineCommand]) throws(TemplateError) -> JSON {
        var result: JSON?
        for command in pipeline {
            var arguments: [JSON] = []
            for term in command.arguments { arguments.append(try value(of: term)) }
            if let result { arguments.append(result) }
            result =
                try command.function.map { name throws(TemplateError) in
                    try TemplateFunction.call(name, arguments)
                } ?? arguments[0]
        }
        return result ?? .null
    }

    private func value(of term: Template.Term) throws(TemplateError) -> JSON {
        switch term {
        case .constant(let value): return value
        case .pipeline(let pipeline): return try value(of: pipeline)
        case .field(let names):
            if let known, let first = names.first, !known.contains(first) {
                throw TemplateError(
                    "there is no field .\(first); there are .\(known.sorted().joined(separator: ", ."))")
            }
            return names.reduce(row) { $0[$1] ?? .null }
        }
    }

    /// Returns a value as Go prints it.
    static func text(of value: JSON) -> String {
        switch value {
        case .null: return "<no value>"
        case .bool(let value): return "\(value)"
        case .integer(let value): return "\(value)"
        case .literal(let text), .string(let text): return text
        case .array(let values): return "[" + values.map(text(of:)).joined(separator: " ") + "]"
        case .object:
            let members = (value.object ?? [:]).sorted { $0.key < $1.key }
            return "map[" + members.map { "\($0.key):\(text(of: $0.value))" }.joined(separator: " ") + "]"
        }
    }
}
