internal import ImageFiles
internal import OCI

/// Live files that programs don't need and that tools are known to leave behind.
struct LeftoverFiles {
    /// A kind of leftover.
    struct Kind {
        /// The rule's name in findings.
        let id: String
        /// The description for people.
        let what: String
        /// Directories; from the root if they begin with a slash, otherwise anywhere.
        let directories: [String]
        /// The remedy, one sentence.
        let fix: String
    }

    /// All leftovers of one kind in one layer.
    struct Group {
        let kind: Kind
        let layer: Int
        var count = 0
        var bytes: Int64 = 0
        var largest: ImagePath
        var largestBytes: Int64 = 0
    }

    /// All groups, largest first.
    let groups: [Group]

    init(_ tree: FileTree) {
        var groups: [[Int]: Group] = [:]
        var kinds: [FileTree.NodeID: Int] = [:]
        var seen: Set<FileTree.InodeID> = []
        tree.walk { path, node in
            let entry = tree[node: node]
            let inode = tree.inodes[entry.inode]
            let inherited = kinds[entry.parent]
            if inode.kind.isDirectory {
                kinds[node] = inherited ?? Self.kind(of: path)
            } else if let kind = inherited, inode.kind.size > 0, !Self.isLicence(path),
                seen.insert(entry.inode).inserted
            {
                groups[[kind, inode.layer], default: Group(kind: Self.kinds[kind], layer: inode.layer, largest: path)]
                    .add(path, inode.kind.size)
            }
        }
        self.groups = groups.values.sorted { ($1.bytes, $0.kind.id, $0.layer) < ($0.bytes, $1.kind.id, $1.layer) }
    }

    /// True for licences, which must stay with the files that they license.
    private static func isLicence(_ path: ImagePath) -> Bool { path.name.elementsEqual("copyright".utf8) }

    private static func kind(of directory: ImagePath) -> Int? {
        candidates[Array(directory.name)]?.first { candidate in
            let wanted = candidate.path
            if candidate.isAnchored { return directory.bytes == wanted }
            return directory.bytes == wanted
                || directory.bytes.reversed().starts(with: (wanted.reversed() + [UInt8(ascii: "/")]))
        }?.kind
    }

    private struct Candidate {
        let kind: Int
        let path: [UInt8]
        let isAnchored: Bool
    }

    /// Patterns by the last name in them.
    private static let candidates: [[UInt8]: [Candidate]] = {
        var table: [[UInt8]: [Candidate]] = [:]
        for (index, kind) in kinds.enumerated() {
            for pattern in kind.directories {
                let path = Array(pattern.utf8.drop { $0 == UInt8(ascii: "/") })
                let name = Array(path.split(separator: UInt8(ascii: "/")).last ?? [])
                table[name, default: []].append(
                    Candidate(kind: index, path: path, isAnchored: pattern.hasPrefix("/")))
            }
        }
        return table
    }()

    private static let kinds: [Kind] = [
        Kind(
            id: "apt-lists", what: "apt's package lists", directories: ["/var/lib/apt/lists"],
            fix: "End the RUN that calls apt-get update with rm -rf /var/lib/apt/lists/*, "
                + "or mount a cache: RUN --mount=type=cache,target=/var/lib/apt."),
        Kind(
            id: "apt-cache", what: "apt's cache", directories: ["/var/cache/apt"],
            fix: "End the RUN with apt-get clean && rm -rf /var/cache/apt/*.bin, or mount a cache at /var/cache/apt."),
        Kind(
            id: "apk-cache", what: "apk's cache", directories: ["/var/cache/apk", "/etc/apk/cache"],
            fix: "Use apk add --no-cache."),
        Kind(
            id: "rpm-cache", what: "the cache of dnf or yum",
            directories: ["/var/cache/dnf", "/var/cache/yum", "/var/cache/libdnf5", "/var/cache/zypp"],
            fix: "End the RUN with dnf clean all (yum, microdnf alike)."),
        Kind(
            id: "pip-cache", what: "pip's cache", directories: [".cache/pip", ".cache/uv", ".cache/pypoetry"],
            fix: "Use pip install --no-cache-dir, or RUN --mount=type=cache,target=/root/.cache."),
        Kind(
            id: "npm-cache", what: "the cache of npm, yarn or pnpm",
            directories: [
                ".npm/_cacache", ".npm/_logs", ".cache/yarn", "/usr/local/share/.cache", ".yarn/cache", ".pnpm-store",
                "node_modules/.cache", ".cache/node-gyp",
            ],
            fix: "Use npm ci && npm cache clean --force in one RUN, or RUN --mount=type=cache,target=/root/.npm."),
        Kind(
            id: "build-cache", what: "the cache of a build tool",
            directories: [
                ".cache/go-build", "go/pkg/mod/cache", ".cargo/registry", "/usr/local/cargo/registry", ".m2/repository",
                ".gradle/caches", ".composer/cache", ".cache/composer", ".cache/bazel", ".ccache", ".cache/ccache",
                ".bundle/cache",
                ".nuget/packages",
            ],
            fix: "Build in a stage of its own and COPY --from it only what runs."),
        Kind(
            id: "git-directory", what: "a git repository's history", directories: [".git"],
            fix: "Add .git to .dockerignore; the history may contain more than the work tree."),
        Kind(
            id: "temporary-files", what: "temporary files", directories: ["/tmp", "/var/tmp"],
            fix: "Delete them in the RUN that makes them."),
        Kind(
            id: "logs", what: "logs of the build", directories: ["/var/log"],
            fix: "Delete them in the RUN that makes them."),
        Kind(
            id: "docs", what: "documentation",
            directories: ["/usr/share/doc", "/usr/share/info", "/usr/local/share/doc"],
            fix: "Set dpkg's path-exclude=/usr/share/doc/* (keep copyright files), or run thaw slim."),
        Kind(
            id: "man-pages", what: "manual pages",
            directories: ["/usr/share/man", "/usr/local/share/man", "/usr/local/man"],
            fix: "Set dpkg's path-exclude=/usr/share/man/*, or run thaw slim."),
        Kind(
            id: "locales", what: "translations", directories: ["/usr/share/locale", "/usr/share/i18n"],
            fix:
                "Set dpkg's path-exclude=/usr/share/locale/*, or run thaw slim, with --keep locales if they are needed."
        ),
        Kind(
            id: "headers", what: "headers for compiling", directories: ["/usr/include", "/usr/local/include"],
            fix: "Compile in a stage of its own and COPY --from it what was made."),
    ]
}

extension LeftoverFiles.Group {
    fileprivate mutating func add(_ path: ImagePath, _ size: Int64) {
        count += 1
        bytes &+= size
        if size > largestBytes { (largest, largestBytes) = (path, size) }
    }
}
