/// The commands of Docker, crane and skopeo that are a command of thaw, and those for which it has another one.
enum FamiliarCommand {
    /// Returns the words of thaw for the first words of another tool's command; nil if there are none.
    ///
    /// - Returns: The words, and the number of words that they replace.
    static func equivalent(of words: [String]) -> (words: [String], count: Int)? {
        for count in [2, 1] where words.count >= count {
            let key = words.prefix(count).joined(separator: " ")
            if key == "ls" { return (words.count > 1 ? ["list-tags"] : ["images"], 1) }
            if let found = equivalents[key] { return (found, count) }
        }
        return nil
    }

    private static let equivalents: [String: [String]] = [
        "image ls": ["images"], "image list": ["images"], "image rm": ["rm"], "image remove": ["rm"],
        "image inspect": ["inspect"], "image history": ["history"], "image prune": ["prune"], "image pull": ["pull"],
        "image push": ["push"], "image save": ["save"], "image load": ["load"], "image tag": ["tag"],
        "image import": ["import"], "image build": ["build"],
        "rmi": ["rm"], "system df": ["df"], "system prune": ["prune"], "system info": ["info"],
        "builder prune": ["prune"], "builder build": ["build"],
        "buildx build": ["build"], "buildx b": ["build"], "buildx du": ["df"], "buildx prune": ["prune"],
        "manifest inspect": ["inspect", "--raw"], "version": ["--version"],
        "manifest": ["inspect", "--raw"], "config": ["inspect", "--config"], "validate": ["inspect", "--verify"],
    ]

    /// Returns the sentence and the remedy for a command that thaw does not have, but has another one for.
    static func explanation(of word: String) -> (message: String, remedy: String)? {
        switch word {
        case "run", "create", "start":
            ("thaw does not run containers as services", "'thaw boot IMAGE --probe http:PORT/ --keep' starts an image")
        case "exec", "attach":
            ("thaw has no running containers", "'thaw debug' opens a shell where the last build failed")
        case "ps", "logs", "stop", "kill", "restart", "wait", "top", "stats", "container":
            (
                "thaw has no daemon, so no containers run between its commands",
                "'thaw boot' starts an image and measures it"
            )
        case "compose", "bake", "network", "volume", "swarm", "service", "context", "plugin", "daemon":
            ("thaw has no '\(word)': it works on images alone", "'thaw --help' lists its commands")
        case "scout":
            (
                "thaw has no service with vulnerabilities",
                "'thaw scan --db DIR IMAGE' compares packages with databases on this machine"
            )
        default: nil
        }
    }
}
