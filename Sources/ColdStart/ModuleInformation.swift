/// The `.modinfo` section of a kernel module: strings `key=value`, each ended by a zero byte.
struct ModuleInformation {
    /// The modules that it requires.
    let dependencies: [String]
    /// Soft dependencies: modules or algorithms that it uses if they exist, loaded before or after it.
    let softDependencies: (before: [String], after: [String])
    /// Its other names in requests for it.
    let aliases: Set<String>

    init(_ module: [UInt8]) {
        let lists = ModuleInformation.values(of: "depends", in: module)
        dependencies = lists.first?.split(separator: ",").map { ModuleTree.name(of: String($0)) } ?? []
        aliases = Set(ModuleInformation.values(of: "alias", in: module))
        softDependencies = ModuleInformation.softDependencies(ModuleInformation.values(of: "softdep", in: module))
    }

    /// Parses `pre: a b post: c`.
    private static func softDependencies(_ texts: [String]) -> (before: [String], after: [String]) {
        var (before, after, isAfter): ([String], [String], Bool) = ([], [], false)
        for text in texts {
            for word in text.split(separator: " ") {
                switch word {
                case "pre:": isAfter = false
                case "post:": isAfter = true
                default:
                    let name = ModuleTree.name(of: String(word))
                    if isAfter { after.append(name) } else { before.append(name) }
                }
            }
        }
        return (before, after)
    }

    private static func values(of key: String, in module: [UInt8]) -> [String] {
        let key = Array("\(key)=".utf8)
        var (position, values): (Int, [String]) = (0, [])
        while let start = module[position...].firstIndex(of: key[0]) {
            position = start + 1
            guard start == 0 || module[start - 1] == 0, module[start...].starts(with: key) else { continue }
            let value = module[(start + key.count)...].prefix { $0 != 0 }
            values.append(String(decoding: value, as: UTF8.self))
        }
        return values
    }
}
