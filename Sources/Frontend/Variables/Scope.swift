/// The variables at one point of a stage.
///
/// ```
/// FROM image:    Scope(global, baseEnvironment: config.env)
/// FROM stage:    Scope(of the stage, where it ended)          a copy: arguments and environment are inherited
/// ARG:           try scope.declare(arg)
/// ENV:           try scope.set(env)
/// other words:   try scope.expand(word)
/// RUN has:       scope.runEnvironment, then scope.global.arguments.proxyEnvironment
/// ```
public struct Scope: Sendable {
    /// The PATH of a process if the base image has none.
    public static let defaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
    /// The PATH of a process in an image for Windows.
    private static let windowsPath = "c:\\Windows\\System32;c:\\Windows"
    /// The arguments of the builder itself, which processes don't get.
    private static let neverInEnvironment: Set<String> = ["BUILDKIT_SBOM_SCAN_CONTEXT", "BUILDKIT_SBOM_SCAN_STAGE"]
    /// The limit of all variables in bytes; more could not be passed to a process.
    private static let mostBytes = 8 << 20

    /// The scope of the FROM lines.
    public let global: GlobalScope
    /// The `Env` of the image config, in order of first definition: the variables of the base, and ENV.
    public private(set) var configEnvironment: [Variable]
    /// The environment of RUN, in order of first definition: the config's variables and ARG; the last value wins.
    public private(set) var runEnvironment: [Variable]
    /// Every ARG of the stage and its base stages, in order, with the value it was declared with.
    private var declared: [(name: String, value: String?)] = []
    private var places: [String: Int] = [:]
    private var configPlaces: [String: Int] = [:]
    private var byteCount = 0

    /// Makes the scope at the start of a stage whose base is an image or `scratch`.
    ///
    /// - Parameter os: The operating system of the image, which decides about PATH if the base has none.
    public init(_ global: GlobalScope, baseEnvironment: [Variable] = [], os: String = "linux") {
        self.global = global
        let hasPath = baseEnvironment.contains { $0.name == "PATH" }
        let path = Variable("PATH", os == "windows" ? Self.windowsPath : Self.defaultPath)
        configEnvironment = baseEnvironment + (hasPath ? [] : [path])
        runEnvironment = []
        for (index, variable) in configEnvironment.enumerated() {
            assign(variable)
            configPlaces[variable.name] = index
        }
    }

    /// Returns the value of a variable, or nil if it is not set.
    public func value(of name: String) -> String? { places[name].map { runEnvironment[$0].value } }

    /// Expands a word.
    ///
    /// - Throws: A ``Diagnostic`` at the word with BuildKit's text.
    public func expand(_ word: Word) throws(Diagnostic) -> String {
        try word.expanded(escape: global.escape) { value(of: $0) }
    }

    /// Expands a word; `unset` has the names of the variables that are not set.
    public func expandNotingUnset(_ word: Word) throws(Diagnostic) -> (text: String, unset: [String]) {
        try word.expansion(escape: global.escape) { value(of: $0) }
    }

    /// Returns the contents of a heredoc of COPY or ADD, expanded unless its name is quoted.
    public func contents(of heredoc: Heredoc) throws(Diagnostic) -> String {
        guard heredoc.expands else { return heredoc.content }
        let options = Expander.Options(ignoresQuotes: true)
        var expander = Expander(Array(heredoc.content.utf8), options) { value(of: $0) }
        do { return try expander.expanded() } catch { throw Diagnostic(heredoc.position, error.message) }
    }

    /// Returns the expanded ports of an EXPOSE line, with ranges listed one by one, in order of number.
    public func ports(_ expose: Instruction.Expose) throws(Diagnostic) -> [ExposedPort] {
        var ports: Set<ExposedPort> = []
        for word in expose.ports {
            let texts = try word.expandedWords(escape: global.escape) { value(of: $0) }
            for text in texts { ports.formUnion(try ExposedPort.list(text, at: word.position)) }
        }
        return ports.sorted()
    }

    /// Expands and checks a mount of RUN.
    public func mount(_ flag: MountFlag) throws(Diagnostic) -> MountSpec {
        try MountSpec(flag) { (word) throws(Diagnostic) in try expand(word) }
    }

    /// Expands and checks a `--chmod` value.
    public func mode(_ word: Word) throws(Diagnostic) -> FileMode {
        try FileMode(try expand(word), at: word.position)
    }

    /// Expands and checks a STOPSIGNAL value.
    public func signal(_ instruction: Instruction.StopSignal) throws(Diagnostic) -> String {
        let text = try expand(instruction.signal)
        try SignalName.check(text, at: instruction.signal.position)
        return text
    }

    /// Applies an ARG line: `--build-arg`, else this line's default, else the global value.
    ///
    /// - Returns: The names with their values, for the history of the image.
    @discardableResult
    public mutating func declare(_ line: Instruction.Arg) throws(Diagnostic) -> [(name: String, value: String?)] {
        var result: [(name: String, value: String?)] = []
        for declaration in line.declarations {
            let name = try expand(declaration.name)
            var value = global.arguments.values[name]
            if value == nil, let word = declaration.defaultValue { value = try expand(word) }
            result.append((name, value ?? global.values[name]))
        }
        for (name, value) in result {
            if let value, !Self.neverInEnvironment.contains(name) { assign(Variable(name, value)) }
            declared.append((name, value))
        }
        if let first = line.declarations.first { try checkSize(first.name) }
        return result
    }

    /// Applies an ENV line; every value is expanded with the variables before the line.
    ///
    /// - Returns: The expanded pairs.
    @discardableResult
    public mutating func set(_ line: Instruction.Env) throws(Diagnostic) -> [Variable] {
        let variables = try expand(line.pairs)
        for variable in variables {
            assign(variable)
            if let index = configPlaces[variable.name] {
                configEnvironment[index] = variable
            } else {
                configPlaces[variable.name] = configEnvironment.count
                configEnvironment.append(variable)
            }
        }
        if let first = line.pairs.first { try checkSize(first.key) }
        return variables
    }

    /// Expands the pairs of ENV or LABEL.
    public func expand(_ pairs: [Instruction.Pair]) throws(Diagnostic) -> [Variable] {
        var result: [Variable] = []
        for pair in pairs {
            let name = try expand(pair.key)
            if name.isEmpty { throw Diagnostic(pair.key.position, "name can not be blank after expansion") }
            result.append(Variable(name, try expand(pair.value)))
        }
        return result
    }

    /// The arguments in the history of a RUN: every ARG once, with its latest value.
    ///
    /// They stand before the command, joined by spaces: `|2 A=1 B=`.
    public var historyArguments: [String] {
        var seen: Set<String> = []
        let texts = declared.filter { seen.insert($0.name).inserted }.map { argument in
            "\(argument.name)=\(value(of: argument.name) ?? argument.value ?? "")"
        }
        return texts.isEmpty ? [] : ["|\(texts.count)"] + texts
    }

    private mutating func assign(_ variable: Variable) {
        if let place = places[variable.name] {
            byteCount -= runEnvironment[place].value.utf8.count
            runEnvironment[place] = variable
        } else {
            places[variable.name] = runEnvironment.count
            runEnvironment.append(variable)
            byteCount += variable.name.utf8.count
        }
        byteCount += variable.value.utf8.count
    }

    private func checkSize(_ word: Word) throws(Diagnostic) {
        guard byteCount <= Self.mostBytes else {
            throw Diagnostic(word.position, "the variables of this stage exceed \(Self.mostBytes >> 20) MiB")
        }
    }
}
