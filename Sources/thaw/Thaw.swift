import ArgumentParser
import ColdStart
import Glibc
import Sandbox

/// The command line: words in, words out.
@main
struct Thaw: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "thaw",
        abstract: "Build, analyse, slim, boot and gate container images.",
        discussion: """
            Example: thaw optimize . builds the Dockerfile here, slims the result, starts both in a microVM, and writes \
            a report of what that gained.
            """,
        version: version,
        groupedSubcommands: [
            CommandGroup(name: "The whole job", subcommands: [Optimize.self]),
            CommandGroup(
                name: "Images",
                subcommands: [
                    Build.self, Debug.self, History.self, Diff.self, Analyze.self, Slim.self, Boot.self, Gate.self,
                    Lint.self,
                ]),
            CommandGroup(
                name: "The store",
                subcommands: [
                    Images.self, Inspect.self, Load.self, Save.self, Import.self, Copy.self, Tag.self, Remove.self,
                    DiskUse.self,
                    Caches.self, Prune.self,
                ]),
            CommandGroup(
                name: "Registries",
                subcommands: [
                    Pull.self, PushImage.self, Login.self, Logout.self, ListTags.self, Catalog.self, Referrers.self,
                    Delete.self,
                ]),
            CommandGroup(name: "This machine", subcommands: [Doctor.self]),
        ])

    static let version = "0.1.0"

    /// Global options may stand before the command, as Docker's do: they are moved behind its name.
    static func globalOptionsLast(_ arguments: [String]) -> [String] {
        var rest = arguments[...]
        var options: [String] = []
        while let first = rest.first, first == "--store" || first.hasPrefix("--store=") {
            let count = first == "--store" ? 2 : 1
            options += rest.prefix(count)
            rest = rest.dropFirst(count)
        }
        let words = rest.first == Caches.configuration.commandName ? 2 : 1
        return rest.prefix(words) + options + rest.dropFirst(words)
    }

    /// Parses, runs, and turns whatever went wrong into a sentence and a status.
    static func main() async {
        MachineProgram.runIfWanted()
        // Writing to a closed pipe is an error that write() tells of; the signal would hide it.
        _ = signal(SIGPIPE, SIG_IGN)
        Interruption.endAtOnce()
        do {
            var command = try parseAsRoot(globalOptionsLast(Array(CommandLine.arguments.dropFirst())))
            if type(of: command) is any ContainerCommand.Type {
                InitialProgram.noteProgram()
                try UserNamespace.enter()
            }
            if var command = command as? any AsyncParsableCommand {
                try await command.run()
            } else {
                try command.run()
            }
        } catch let code as ExitCode {
            Glibc.exit(code.rawValue)
        } catch let failure as Failure {
            end(failure)
        } catch let error where exitCode(for: error) == .success {
            // Help, the version, a script for completion.
            Terminal.print(fullMessage(for: error))
            Glibc.exit(Status.done.rawValue)
        } catch let error where exitCode(for: error) == .validationFailure {
            let text = fullMessage(for: error)
            Terminal.tell(text.hasPrefix("Error: ") ? "thaw: " + text.dropFirst("Error: ".count) : text)
            Glibc.exit(Status.usage.rawValue)
        } catch {
            end(Failure(error))
        }
    }

    private static func end(_ failure: Failure) -> Never {
        Interruption.awaitEnd()
        Terminal.complain(failure)
        Glibc.exit(failure.status.rawValue)
    }
}

/// A command that runs containers or touches unpacked layers: whoever is not root becomes root of a user namespace for
/// it. Where that is refused, it still does whatever needs neither.
protocol ContainerCommand {}

extension Build: ContainerCommand {}
extension Optimize: ContainerCommand {}
extension Boot: ContainerCommand {}
extension Slim: ContainerCommand {}
extension Gate: ContainerCommand {}
extension Debug: ContainerCommand {}
extension Prune: ContainerCommand {}
extension DiskUse: ContainerCommand {}
extension Caches.List: ContainerCommand {}
extension Caches.Export: ContainerCommand {}
extension Caches.Import: ContainerCommand {}
extension Caches.Remove: ContainerCommand {}
extension Doctor: ContainerCommand {}
