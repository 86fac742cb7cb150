import ArgumentParser
import ColdStart
import Glibc
import Jobs
import Linux
import Sandbox
import TTY

/// The command `thaw`: parses arguments, runs one subcommand, and reports an error by a sentence and an exit status.
@main
struct Thaw: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "thaw",
        abstract: "Build, analyse, slim, boot and gate container images.",
        discussion: """
            'thaw optimize' builds a Dockerfile, slims the image, starts both images in a microVM, and writes a report \
            that compares them.
            Example: thaw optimize .
            """,
        version: Version.text,
        groupedSubcommands: [
            CommandGroup(name: "All steps in one", subcommands: [Optimize.self]),
            CommandGroup(
                name: "Images",
                subcommands: [
                    BuildCommand.self, Debug.self, HistoryCommand.self, Diff.self, Analyze.self, SlimCommand.self,
                    BootCommand.self, Gate.self, Scan.self, LintCommand.self,
                ]),
            CommandGroup(
                name: "The store",
                subcommands: [
                    Images.self, Inspect.self, Load.self, Save.self, Import.self, CopyCommand.self, Rebase.self,
                    TagCommand.self,
                    Remove.self, DiskUse.self, Caches.self, Prune.self,
                ]),
            CommandGroup(
                name: "Registries",
                subcommands: [
                    Pull.self, PushImage.self, Login.self, Logout.self, ListTags.self, Catalog.self, Referrers.self,
                    Delete.self,
                ]),
            CommandGroup(name: "This machine and project", subcommands: [DoctorCommand.self, Init.self, Info.self]),
        ])

    /// Returns the text of words that are no command: `help config`, and the version, which reads a file.
    private static func page(_ words: [String]) -> String? {
        switch words {
        case ["help", "config"]: ConfigHelp.text
        case ["--version"], ["version"]: VersionText.text(version: Version.text)
        default: nil
        }
    }

    /// Parses words of a command with the global options behind its name.
    private static func parse(_ words: [String], _ options: [String]) throws -> any ParsableCommand {
        let count = words.first == Caches.configuration.commandName ? 2 : 1
        return try parseAsRoot(words.prefix(count) + options + words.dropFirst(count))
    }

    /// Parses arguments; those that the parser refuses are tried once more in its own forms.
    private static func parse(_ arguments: [String]) throws -> any ParsableCommand {
        let (options, words, ignored) = CommandLineForms.globalOptions(arguments)
        for name in ignored { Terminal.note("\(name) is ignored: thaw has no daemon") }
        do {
            if let text = page(words) {
                Terminal.print(text)
                Glibc.exit(CommandStatus.done.rawValue)
            }
            if words.first == "help" { try forms().expectCommand(words.dropFirst().first) }
            return try parse(words, options)
        } catch let error where !(error is Failure) && exitCode(for: error) == .validationFailure {
            guard let other = try forms().rewritten(words) else { throw error }
            return try parse(other, options)
        }
    }

    /// Returns the forms of other tools' commands, made from the parser's description of the commands.
    private static func forms() throws -> CommandLineForms {
        var text = ""
        do { _ = try parseAsRoot(["--experimental-dump-help"]) } catch { text = fullMessage(for: error) }
        return CommandLineForms(try CommandTree(parsing: text))
    }

    /// Enters a user namespace as its root for a command that runs containers.
    private static func enterNamespace(for command: any ParsableCommand) throws {
        guard let command = command as? any ContainerCommand else { return }
        InitialProgram.noteProgram()
        try UserNamespace.enter(asSingleUser: command.isolation == .userns)
    }

    /// Parses the arguments, runs the command, and ends with the exit status of an error.
    static func main() async {
        MachineProgram.runIfRequested()
        // write() reports a closed pipe as an error; the signal would end the process without a message.
        _ = signal(SIGPIPE, SIG_IGN)
        Interruption.endAtOnce()
        startLog()
        do {
            var command = try parse(Array(CommandLine.arguments.dropFirst()))
            try enterNamespace(for: command)
            if var command = command as? any AsyncParsableCommand {
                try await command.run()
            } else {
                try command.run()
            }
            Terminal.endLive()
        } catch let code as ExitCode {
            Terminal.endLive()
            Glibc.exit(code.rawValue)
        } catch let failure as Failure {
            end(failure)
        } catch let error where exitCode(for: error) == .success {
            // Help, the version, a script for completion.
            Terminal.print(fullMessage(for: error))
            Glibc.exit(CommandStatus.done.rawValue)
        } catch let error where exitCode(for: error) == .validationFailure {
            let text = fullMessage(for: error)
            Terminal.report(text.hasPrefix("Error: ") ? "thaw: " + text.dropFirst("Error: ".count) : text)
            Glibc.exit(CommandStatus.usage.rawValue)
        } catch {
            end(Failure(error))
        }
    }

    /// Writes the libraries' debug events to stderr if the environment requests them.
    private static func startLog() {
        switch Environment["THAW_LOG"] {
        case nil: break
        case "debug": DebugLog.start { Terminal.report($0) }
        case let level?: Terminal.note("THAW_LOG=\(level) is ignored; the only level is debug")
        }
    }

    private static func end(_ failure: Failure) -> Never {
        Interruption.awaitEnd()
        Terminal.endLive()
        Terminal.printFailure(failure)
        Glibc.exit(failure.status.rawValue)
    }
}

/// A command that runs containers or touches unpacked layers.
///
/// A user without root becomes root of a user namespace for it. Where the kernel refuses that, the command still does
/// the work that needs neither containers nor unpacked layers.
protocol ContainerCommand {
    /// The isolation of the commands that it runs.
    var isolation: IsolationChoice { get }
}

extension ContainerCommand {
    var isolation: IsolationChoice { .auto }
}

extension BuildCommand: ContainerCommand {
    var isolation: IsolationChoice { options.run.isolation }
}
extension Optimize: ContainerCommand {}
extension BootCommand: ContainerCommand {}
extension SlimCommand: ContainerCommand {}
extension Gate: ContainerCommand {}
extension Debug: ContainerCommand {}
extension Prune: ContainerCommand {}
extension DiskUse: ContainerCommand {}
extension Caches.ListCaches: ContainerCommand {}
extension Caches.Export: ContainerCommand {}
extension Caches.Import: ContainerCommand {}
extension Caches.Remove: ContainerCommand {}
extension DoctorCommand: ContainerCommand {}
