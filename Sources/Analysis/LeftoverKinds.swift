extension LeftoverFiles {
    /// The known kinds of leftovers: caches of package managers and build tools, logs, documentation.
    ///
    /// A directory that begins with a slash is meant at that place, another one below any directory. Directories that
    /// programs read when they run are not here: caches of models, browsers of test tools, shared data.
    static let kinds: [Kind] = systemCaches + languageCaches + buildFiles + documents

    private static let systemCaches = [
        Kind(
            id: "apt-lists", what: "apt's package lists", directories: ["/var/lib/apt/lists"],
            fix: "End the RUN that calls apt-get update with rm -rf /var/lib/apt/lists/*, "
                + "or mount a cache: RUN --mount=type=cache,target=/var/lib/apt."),
        Kind(
            id: "apt-cache", what: "apt's cache", directories: ["/var/cache/apt", "/var/lib/aptitude"],
            fix: "End the RUN with apt-get clean && rm -rf /var/cache/apt/*.bin, or mount a cache at /var/cache/apt."),
        Kind(
            id: "apk-cache", what: "apk's cache", directories: ["/var/cache/apk", "/etc/apk/cache"],
            fix: "Use apk add --no-cache."),
        Kind(
            id: "rpm-cache", what: "the cache of dnf or yum",
            directories: [
                "/var/cache/dnf", "/var/cache/yum", "/var/cache/libdnf5", "/var/cache/zypp", "/var/lib/dnf/repos",
                "/var/lib/yum/repos", "/var/cache/PackageKit",
            ],
            fix: "End the RUN with dnf clean all (yum, microdnf, zypper alike)."),
        Kind(
            id: "system-cache", what: "the cache of a distribution's package manager",
            directories: [
                "/var/cache/pacman/pkg", "/var/lib/pacman/sync", "/var/cache/xbps", "/var/cache/distfiles",
                "/var/cache/binpkgs", "/var/db/repos", "/var/cache/eopkg", "/var/cache/swupd", "/var/cache/guix",
                "/var/lib/snapd/cache", ".cache/Homebrew",
            ],
            fix: "Clean it in the RUN that fills it: pacman -Scc, xbps-remove -O, eclean, brew cleanup."),
    ]

    private static let languageCaches = [
        Kind(
            id: "pip-cache", what: "pip's cache",
            directories: [
                ".cache/pip", ".cache/uv", ".cache/pypoetry", ".cache/pdm", ".cache/pipenv", ".cache/hatch",
                ".local/share/uv/cache", ".cache/pre-commit", ".cache/pip-tools",
            ],
            fix: "Use pip install --no-cache-dir, or RUN --mount=type=cache,target=/root/.cache."),
        Kind(
            id: "conda-cache", what: "the cache of conda or mamba",
            directories: [
                "conda/pkgs", "miniconda/pkgs", "miniconda3/pkgs", "anaconda3/pkgs", "miniforge3/pkgs",
                "mambaforge/pkgs", "micromamba/pkgs", ".conda/pkgs", ".mamba/pkgs", ".cache/rattler",
            ],
            fix: "End the RUN with conda clean --all --yes (mamba, micromamba alike)."),
        Kind(
            id: "npm-cache", what: "the cache of npm, yarn or pnpm",
            directories: [
                ".npm/_cacache", ".npm/_logs", ".npm/_npx", ".cache/yarn", "/usr/local/share/.cache", ".yarn/cache",
                ".yarn/berry/cache", ".pnpm-store", ".local/share/pnpm/store", ".cache/pnpm", "node_modules/.cache",
                ".cache/node-gyp", ".node-gyp", ".cache/node", ".bun/install/cache", ".cache/deno", ".cache/electron",
                ".cache/electron-builder", ".cache/bower", ".next/cache", ".turbo/cache", ".nx/cache",
            ],
            fix: "Use npm ci && npm cache clean --force in one RUN, or RUN --mount=type=cache,target=/root/.npm."),
        Kind(
            id: "gem-cache", what: "the cache of RubyGems or Bundler",
            directories: [
                ".bundle/cache", "/usr/local/bundle/cache", "vendor/bundle/cache", ".gem/specs", ".cache/gem",
                "/usr/lib/ruby/gems/cache", "/usr/local/lib/ruby/gems/cache", "/var/lib/gems/cache",
            ],
            fix: "Use gem install --no-document, and delete the directory cache of the gems in the same RUN."),
        Kind(
            id: "composer-cache", what: "the cache of Composer or PEAR",
            directories: [
                ".composer/cache", ".cache/composer", "/tmp/pear", "/usr/local/lib/php/.channels", "/var/cache/pear",
            ],
            fix: "Use composer install --no-cache --no-dev, or RUN --mount=type=cache,target=/root/.composer/cache."),
    ]

    private static let buildFiles = [
        Kind(
            id: "build-cache", what: "the cache of a build tool",
            directories: [
                ".cache/go-build", "go/pkg/mod/cache", "go/pkg/sumdb", ".cargo/registry", ".cargo/git",
                "/usr/local/cargo/registry", "/usr/local/cargo/git", ".rustup/downloads", ".rustup/tmp",
                "/usr/local/rustup/downloads", "/usr/local/rustup/tmp", ".m2/repository", ".m2/wrapper",
                ".gradle/caches", ".gradle/wrapper", ".gradle/daemon", ".ivy2/cache", ".cache/coursier", ".sbt/boot",
                ".cache/bazel", ".cache/bazelisk", ".cache/buck", ".cache/pants", ".ccache", ".cache/ccache",
                ".cache/sccache", ".nuget/packages", ".local/share/NuGet", ".cache/org.swift.swiftpm", ".swiftpm/cache",
                ".cache/zig", ".zig-cache", ".cabal/packages", ".stack/pantry", ".stack/indices",
                ".opam/download-cache",
                ".hex/packages", ".cache/rebar3", ".cache/mix", ".julia/registries", ".julia/logs", ".cpan/build",
                ".cpan/sources", ".cpanm/work", ".cache/luarocks", ".cache/R", ".conan/data", ".conan2/p",
                ".cache/vcpkg", ".terraform.d/plugin-cache", ".cache/helm", ".pub-cache/hosted-hashes", ".dub/cache",
                ".nimble/pkgcache", ".cache/nim", ".cache/crystal", ".cache/typescript",
            ],
            fix: "Build in a stage of its own and COPY --from it only what runs."),
        Kind(
            id: "git-directory", what: "a git repository's history", directories: [".git", ".hg", ".svn"],
            fix: "Add .git to .dockerignore; the history may contain more than the work tree."),
        Kind(
            id: "temporary-files", what: "temporary files", directories: ["/tmp", "/var/tmp"],
            fix: "Delete them in the RUN that makes them."),
        Kind(
            id: "logs", what: "logs of the build", directories: ["/var/log"],
            fix: "Delete them in the RUN that makes them."),
    ]

    private static let documents = [
        Kind(
            id: "docs", what: "documentation",
            directories: ["/usr/share/doc", "/usr/share/info", "/usr/local/share/doc", "/usr/share/gtk-doc"],
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
