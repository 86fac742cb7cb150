// Checks of FROM: its image, tag and platform.

extension Linter {
    mutating func checkFrom(_ stage: Stage, _ global: GlobalScope) {
        checkUnset(stage, global)
        checkName(stage, global)
        checkTag(stage)
        checkRegistry(stage, global)
        checkEndOfLife(stage, global)
        checkFlag(stage)
    }

    private mutating func checkUnset(_ stage: Stage, _ global: GlobalScope) {
        let names = globalNames.union(global.values.keys)
        var isReported = false
        for word in [stage.base, stage.platform].compactMap(\.self) where word.mayExpand {
            guard let result = try? word.expansion(escape: global.escape, lookup: { global.values[$0] }) else {
                continue
            }
            let isBase = word == stage.base
            let isNoImage = isBase && !Self.isImageName(result.text)
            for name in result.unset where !names.contains(name) {
                let meant = Suggestion.ending(for: name, in: names.sorted())
                let effect = isBase ? isNoImage ? "has no image" : "may not be the image you mean" : "has no platform"
                let cure = meant.isEmpty ? ". \(Self.cure(word, name))" : meant
                report(
                    "UndefinedArgInFrom", "FROM \(word.text) \(effect): \(name) is not set\(cure)", stage.from.lines,
                    also: isNoImage ? ["InvalidDefaultArgInFrom"] : [])
                isReported = isReported || isBase
            }
        }
        if !isReported { checkDefaults(stage) }
    }

    /// Checks that the base is an image name even without build arguments.
    private mutating func checkDefaults(_ stage: Stage) {
        guard stage.base.mayExpand, let scope = defaultScope,
            let result = try? stage.base.expansion(escape: scope.escape, lookup: { scope.values[$0] }),
            !Self.isImageName(result.text)
        else { return }
        let name = result.unset.first ?? Self.firstName(in: stage.base.text)
        report(
            "InvalidDefaultArgInFrom",
            "FROM \(stage.base.text) has no image: \(name) is not set. \(Self.cure(stage.base, name))", stage.from.lines
        )
    }

    private static func firstName(in text: String) -> String {
        text.utf8.drop { $0 != Ascii.dollar }.drop { !$0.isNameByte }.prefix(while: \.isNameByte).text
    }

    /// Returns the advice to declare a variable with an example of its value.
    private static func cure(_ word: Word, _ name: String) -> String {
        let isWhole = ["$\(name)", "${\(name)}"].contains(word.text)
        return "Write ARG \(name)=\(isWhole ? "debian:12" : "VALUE") above"
    }

    // MARK: names

    /// Checks a name that needs no build argument, as a build does.
    private mutating func checkName(_ stage: Stage, _ global: GlobalScope) {
        guard baseIndex[stage.index] == nil, let name = try? global.expand(stage.base), !name.isEmpty else { return }
        guard !stage.base.mayExpand || (try? defaultScope?.expand(stage.base)) == name else { return }
        guard !stage.base.text.utf8.contains(Ascii.dollar), !isStage(name, before: stage),
            let reason = ImageName.problem(name)
        else { return }
        let lower = name.asciiLowercased
        let isRepaired = lower != name && ImageName.problem(lower) == nil && !stage.base.mayExpand
        report(
            "InvalidImageName", "FROM \(name) names no image: \(reason)", stage.from.lines,
            proposal: isRepaired ? [.replacing(stage.base, with: lower)] : [])
    }

    /// True for a name with an optional tag and digest, none of them empty.
    static func isImageName(_ text: String) -> Bool { ImageName.problem(text) == nil }

    private mutating func checkTag(_ stage: Stage) {
        let text = stage.base.text
        let isStage = isStage(text, before: stage)
        guard text != "scratch", !isStage, !text.utf8.contains(Ascii.dollar), !text.utf8.contains(UInt8(ascii: "@"))
        else {
            return
        }
        let final = text.utf8.split(separator: Ascii.slash).last ?? text.utf8[...]
        guard let (_, tag) = final.text.cut(Ascii.colon) else {
            report(
                "DL3006", "FROM \(text) takes the newest \(text) at each build. Add a tag or digest", stage.from.lines)
            return
        }
        if tag == "latest" {
            report(
                "DL3007", "The tag latest moves: each build may get another image. Write the tag of a release",
                stage.from.lines)
        }
    }

    private mutating func checkRegistry(_ stage: Stage, _ global: GlobalScope) {
        let trusted = options.configuration.trustedRegistries
        guard !trusted.isEmpty, baseIndex[stage.index] == nil, let name = try? global.expand(stage.base),
            name != "scratch", !isStage(name.asciiLowercased, before: stage)
        else { return }
        let host = ImageName.host(of: name)
        let names = host == "docker.io" ? [host, "hub.docker.com"] : [host]
        let isTrusted = trusted.contains { pattern in
            names.contains { name in
                if pattern.hasPrefix("*") { return name.hasSuffix(pattern.dropFirst()) }
                return pattern.hasSuffix("*") ? name.hasPrefix(pattern.dropLast()) : name == pattern
            }
        }
        if !isTrusted { report("DL3026", "The registry \(host) is not one of trustedRegistries", stage.from.lines) }
    }

    // MARK: platforms

    mutating func checkPlatform(_ stage: Stage, _ global: GlobalScope) {
        guard let actual = options.facts.bases[stage.index]?.platform else { return }
        let wanted = stage.platform.flatMap { word in try? global.expand(word) }
        let expected = wanted ?? options.arguments.target.text
        let isSame = expected == actual.text || expected == "\(actual.os)/\(actual.architecture)"
        guard !isSame else { return }
        report(
            "InvalidBaseImagePlatform",
            "Base image \(stage.base.text) was pulled with platform \(actual.text.goQuoted), expected \(expected.goQuoted) for current build",
            stage.from.lines)
    }

    private mutating func checkFlag(_ stage: Stage) {
        guard let platform = stage.platform else { return }
        let lines = stage.from.lines
        if ["$TARGETPLATFORM", "${TARGETPLATFORM}"].contains(platform.text) {
            // A stage takes over the platform of its base stage, which this flag may undo.
            let edits = removal(of: platform)
            report(
                "RedundantTargetPlatform", "The target platform is the default of FROM. Remove --platform", lines,
                also: ["DL3065"], edits: baseIndex[stage.index] == nil ? edits : [],
                proposal: baseIndex[stage.index] == nil ? [] : edits)
        } else if !platform.text.utf8.contains(Ascii.dollar) {
            let message =
                "This pins the image to \(platform.text); use --platform=$BUILDPLATFORM for build stages"
            let parts = platform.text.utf8.split(separator: Ascii.slash).map(\.text)
            let isNamed = stage.name.map { name in parts.contains { name.holds($0) } } ?? false
            if isNamed {
                report("DL3029", message, lines)
            } else {
                report("FromPlatformFlagConstDisallowed", message, lines, also: ["DL3029"])
            }
        }
    }

    private func removal(of platform: Word) -> [TextEdit] {
        let start = platform.position.column - "--platform=".utf8.count
        let line = line(platform.position.line)
        let end = platform.position.column - 1 + platform.text.utf8.count
        guard start > 0, line.dropFirst(start - 1).starts(with: "--platform=\(platform.text) ".utf8) else { return [] }
        return [TextEdit(line: platform.position.line, columns: start..<end + 2, replacement: "")]
    }
}

/// The grammar of image names, as registries accept them.
enum ImageName {
    /// Returns the reason why a text is no image name; nil for a name.
    static func problem(_ text: String) -> String? {
        var rest = text
        if let (name, digest) = text.cut(UInt8(ascii: "@")) {
            rest = name
            if let reason = digestProblem(digest) { return reason }
        }
        let last = rest.utf8.split(separator: Ascii.slash, omittingEmptySubsequences: false).last?.text ?? ""
        if let (name, tag) = last.cut(Ascii.colon) {
            rest = String(rest.dropLast(last.count)) + name
            if tag.isEmpty { return "the tag after ':' is empty" }
            let isTag =
                tag.utf8.allSatisfy { $0.isNameByte || "-.".utf8.contains($0) } && tag.utf8.first?.isNameByte == true
            guard isTag, tag.utf8.count <= 128 else { return "the tag \(tag.goQuoted) is not allowed" }
        }
        let (host, path) = split(rest)
        if let host, host.utf8.isEmpty { return "the registry is empty" }
        if path.utf8.contains(where: { (65...90).contains($0) }) { return "repository name must be lowercase" }
        let parts = path.utf8.split(separator: Ascii.slash, omittingEmptySubsequences: false)
        return parts.allSatisfy(isComponent) ? nil : "the repository name is not allowed"
    }

    /// Returns the registry of a name, `docker.io` by default.
    static func host(of text: String) -> String {
        split(text.cut(UInt8(ascii: "@"))?.before ?? text).host ?? "docker.io"
    }

    private static func split(_ name: String) -> (host: String?, path: String) {
        guard let (first, rest) = name.cut(Ascii.slash) else { return (nil, name) }
        let isHost = first.utf8.contains { $0 == Ascii.dot || $0 == Ascii.colon || (65...90).contains($0) }
        return isHost || first == "localhost" || first.isEmpty ? (first, rest) : (nil, name)
    }

    private static func isComponent(_ part: Substring.UTF8View) -> Bool {
        func isWord(_ byte: UInt8) -> Bool { byte.isDigit || (97...122).contains(byte) }
        guard let first = part.first, let last = part.last, isWord(first), isWord(last) else { return false }
        return part.allSatisfy { isWord($0) || "._-".utf8.contains($0) }
    }

    private static func digestProblem(_ text: String) -> String? {
        guard let (algorithm, hex) = text.cut(Ascii.colon), !algorithm.isEmpty else {
            return "the digest is not allowed"
        }
        let isHex = hex.utf8.allSatisfy { $0.isDigit || (97...102).contains($0) }
        let count = ["sha256": 64, "sha384": 96, "sha512": 128][algorithm]
        return isHex && count.map { $0 == hex.utf8.count } ?? (hex.utf8.count >= 32) ? nil : "the digest is not allowed"
    }
}
