extension Instruction.Transfer {
    init(_ node: SyntaxNode, _ flags: Flags) throws(Diagnostic) {
        let command = node.name.asciiUppercased
        guard let last = node.arguments.last, node.arguments.count >= 2 else {
            let rule = "\(command) requires at least two arguments, but only one was provided"
            throw Diagnostic(node.keyword.position, "\(rule). Destination could not be determined")
        }
        if !node.isJSON, Heredoc(last.text, at: last.position) != nil {
            throw Diagnostic(last.position, "\(command) cannot accept a heredoc as a destination")
        }
        var documents = node.heredocs
        var sources: [Word] = []
        var heredocs: [Heredoc] = []
        for word in node.arguments.dropLast() {
            if !node.isJSON, let opening = Heredoc(word.text, at: word.position),
                let index = documents.firstIndex(where: { $0.name == opening.name })
            {
                heredocs.append(documents.remove(at: index))
            } else {
                sources.append(word)
            }
        }
        self.sources = sources
        self.heredocs = heredocs
        destination = last
        chown = flags.word("chown")
        chmod = flags.word("chmod")
        link = flags.bool("link") ?? false
        parents = flags.bool("parents") ?? false
        exclude = flags.list("exclude")
        if let chmod, !chmod.mayExpand { try FileMode.check(chmod.text, at: chmod.position) }
    }
}

extension Instruction.Copy {
    init(_ node: SyntaxNode) throws(Diagnostic) {
        let flags = try Flags(
            node,
            [
                "from": .string, "chown": .string, "chmod": .string, "link": .bool, "parents": .bool, "exclude": .list,
            ])
        from = flags.word("from")
        if let from, MountFlag.looksVariable(from.text) {
            let message = "'from' doesn't support variable expansion, define alias stage instead"
            throw Diagnostic(from.position, message)
        }
        transfer = try Instruction.Transfer(node, flags)
    }
}

extension Instruction.Add {
    init(_ node: SyntaxNode) throws(Diagnostic) {
        let flags = try Flags(
            node,
            [
                "chown": .string, "chmod": .string, "link": .bool, "keep-git-dir": .bool, "checksum": .string,
                "unpack": .bool, "exclude": .list,
            ])
        checksum = flags.word("checksum")
        unpack = flags.bool("unpack")
        keepGitDir = flags.bool("keep-git-dir") ?? false
        transfer = try Instruction.Transfer(node, flags)
    }
}
