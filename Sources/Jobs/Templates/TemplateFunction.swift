internal import Linux

/// The functions of templates.
enum TemplateFunction {
    /// Calls a function.
    static func call(_ name: String, _ arguments: [JSON]) throws(TemplateError) -> JSON {
        switch name {
        case "json": return .string(try only(name, arguments).line)
        case "len": return .integer(Int64(try length(only(name, arguments))))
        case "upper", "lower":
            let text = TemplateEvaluation.text(of: try only(name, arguments))
            return .string(name == "upper" ? text.uppercased() : text.lowercased())
        case "join": return try join(arguments)
        case "index": return try index(arguments)
        case "print": return .string(arguments.map(TemplateEvaluation.text).joined(separator: " "))
        case "println": return .string(arguments.map(TemplateEvaluation.text).joined(separator: " ") + "\n")
        case "printf": return .string(try format(arguments))
        default:
            throw TemplateError(
                "unknown function '\(name)'; there are index, join, json, len, lower, print, printf, println and upper")
        }
    }

    private static func only(_ name: String, _ arguments: [JSON]) throws(TemplateError) -> JSON {
        guard arguments.count == 1 else { throw TemplateError("'\(name)' needs one value, not \(arguments.count)") }
        return arguments[0]
    }

    private static func length(_ value: JSON) throws(TemplateError) -> Int {
        switch value {
        case .string(let text): return text.utf8.count
        case .array(let values): return values.count
        case .object(let members): return members.count
        case .null: return 0
        default: throw TemplateError("'len' needs a text, a list or an object")
        }
    }

    /// Joins a list by a separator, in either order: Docker has the list first, a pipe last.
    private static func join(_ arguments: [JSON]) throws(TemplateError) -> JSON {
        guard arguments.count == 2 else { throw TemplateError("'join' needs a list and a separator") }
        let isPiped = arguments[0].string != nil
        guard let separator = arguments[isPiped ? 0 : 1].string else {
            throw TemplateError("'join' needs a list and a separator")
        }
        let list = arguments[isPiped ? 1 : 0]
        guard list == .null || list.array != nil else { throw TemplateError("'join' needs a list and a separator") }
        return .string((list.array ?? []).map(TemplateEvaluation.text).joined(separator: separator))
    }

    private static func index(_ arguments: [JSON]) throws(TemplateError) -> JSON {
        guard let first = arguments.first else { throw TemplateError("'index' needs a list or an object") }
        var value = first
        for key in arguments.dropFirst() {
            if let name = key.string {
                value = value[name] ?? .null
            } else if let number = key.integer, let list = value.array {
                guard list.indices.contains(Int(clamping: number)) else {
                    throw TemplateError("'index' has no element \(number): the list has \(list.count)")
                }
                value = list[Int(clamping: number)]
            } else {
                throw TemplateError("'index' needs a list and numbers, or an object and names")
            }
        }
        return value
    }

    /// Formats like `printf`: `%s`, `%v`, `%d`, `%q`, `%%`, with a width and a minus sign for the left.
    private static func format(_ arguments: [JSON]) throws(TemplateError) -> String {
        guard let format = arguments.first?.string else { throw TemplateError("'printf' needs a format") }
        var (text, rest, values) = ("", format[...], arguments.dropFirst())
        while let character = rest.popFirst() {
            guard character == "%" else {
                text.append(character)
                continue
            }
            let options = rest.prefix { $0 == "-" || $0.isNumber }
            rest = rest[options.endIndex...]
            guard let verb = rest.popFirst() else { throw TemplateError("'printf' ends with an incomplete verb") }
            if verb == "%" {
                text.append("%")
                continue
            }
            guard let value = values.popFirst() else { throw TemplateError("'printf' has fewer values than verbs") }
            text += padded(try formatted(value, by: verb), options)
        }
        guard values.isEmpty else { throw TemplateError("'printf' has more values than verbs") }
        return text
    }

    private static func formatted(_ value: JSON, by verb: Character) throws(TemplateError) -> String {
        switch verb {
        case "s", "v": return TemplateEvaluation.text(of: value)
        case "d":
            guard value.integer != nil else { throw TemplateError("'%d' needs a whole number") }
            return TemplateEvaluation.text(of: value)
        case "q": return JSON.string(TemplateEvaluation.text(of: value)).line
        default: throw TemplateError("'printf' knows %s, %v, %d, %q and %%, not '%\(verb)'")
        }
    }

    private static func padded(_ text: String, _ options: Substring) -> String {
        // A hostile width would be an endless line.
        let width = min(1000, Int(options.filter { $0 != "-" }) ?? 0)
        let blanks = String(repeating: " ", count: max(0, width - text.count))
        return options.hasPrefix("-") ? text + blanks : blanks + text
    }
}
