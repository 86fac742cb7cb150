internal import ImageFiles
internal import Linux
internal import OCI

/// Findings about security risks.
enum SafetyFindings {
    static func findings(
        secrets: [FoundSecret], allowedSecrets: Int, surface: AttackSurface, of image: Image, in tree: FileTree
    ) -> [Finding] {
        secret(secrets) + allowed(allowedSecrets) + permissions(surface, tree) + managers(surface)
            + configuration(image)
    }

    private struct SecretGroup: Hashable {
        let rule: String
        let layer: Int?
        let deletedLater: Bool
    }

    /// The rules that see only a name and a value.
    private static let weak = [SecretText.variable, SecretText.generic]

    private static func allowed(_ count: Int) -> [Finding] {
        guard count > 0 else { return [] }
        return [
            Finding(
                id: "allowed-secrets", severity: .info,
                message:
                    "\(counted(count, "place")) with a possible secret \(count == 1 ? "is" : "are") allowed by thaw.toml.",
                fix: "Remove an entry of [[secrets.allow]] to see its places.")
        ]
    }

    private static func secret(_ secrets: [FoundSecret]) -> [Finding] {
        let groups = Dictionary(grouping: secrets) {
            SecretGroup(rule: $0.rule, layer: $0.layer, deletedLater: $0.deletedLater)
        }
        return groups.map { group, members in
            let places = Set(members.map(\.path)).sorted()
            let more = places.count > 3 ? " and \(counted(places.count - 3, "more place"))" : ""
            let still = group.deletedLater ? "; a later layer deletes it, but every pull still contains it" : ""
            let shown = places.prefix(3).map { abbreviated($0.visibleLine, to: 60) }.joined(separator: ", ")
            return Finding(
                id: "secret", severity: weak.contains(group.rule) ? .warning : .error,
                message: "A possible secret (\(group.rule)) is in \(shown)\(more)\(still).", layer: group.layer,
                fix: "Revoke it, then build with RUN --mount=type=secret, or pass it to the container at run time.")
        }
    }

    private static func permissions(_ surface: AttackSurface, _ tree: FileTree) -> [Finding] {
        var findings: [Finding] = []
        if !surface.setuid.isEmpty {
            findings.append(
                Finding(
                    id: "setuid", severity: .info,
                    message:
                        "\(counted(surface.setuid.count, "program")) with the setuid or setgid bit.",
                    fix: "Remove the bits (chmod a-s) in the layer that adds the files, or run with no_new_privileges.",
                    paths: surface.setuid))
        }
        if !surface.worldWritable.isEmpty {
            findings.append(
                Finding(
                    id: "world-writable", severity: .warning,
                    message: "\(counted(surface.worldWritable.count, "path")) with write permission for every user.",
                    fix: "Set an owner and remove others' write permission: COPY --chmod, or chmod o-w.",
                    paths: surface.worldWritable))
        }
        return findings
    }

    private static func managers(_ surface: AttackSurface) -> [Finding] {
        let managers = surface.packageManagers
        guard !managers.isEmpty else { return [] }
        let names = Set(managers.map { $0.path.name.text }).sorted().joined(separator: ", ")
        return [
            Finding(
                id: "package-manager", severity: .info,
                message: "The image has package managers (\(names)), which a running service does not need.",
                bytes: managers.reduce(0) { $0 &+ $1.bytes },
                fix: "Leave it in the build stage: COPY --from it into a smaller base, or run thaw slim.",
                paths: managers.map(\.path))
        ]
    }

    private static func configuration(_ image: Image) -> [Finding] {
        var findings: [Finding] = []
        if AttackSurface.isRoot(image.config.user) {
            findings.append(
                Finding(
                    id: "runs-as-root", severity: .warning, message: "The image's program runs as root.",
                    fix: "Set another user: USER 65532, and make the files that it needs readable for it."))
        }
        let claimed = ImageHistory.claimedLayers(of: image)
        if claimed != image.layers.count, !image.config.history.isEmpty {
            findings.append(
                Finding(
                    id: "history-mismatch", severity: .info,
                    message:
                        "The history lists \(counted(claimed, "layer")), but the image has \(image.layers.count); "
                        + "commands may be shown with the wrong layer.",
                    fix: "The tool that rewrote the image's layers must also rewrite its history."))
        }
        return findings
    }
}
