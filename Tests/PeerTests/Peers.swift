import Harness
import Testing

/// Debian's programs that check our images, and the image for them.
enum Peers {
    /// Returns a condition that is printed with its reason if a peer is absent.
    static func has(_ name: String) -> ConditionTrait {
        .enabled(if: Program.exists(name), "\(name) is not installed; 'make deps' installs it")
    }

    /// A Dockerfile with every kind of file and change that a layer can have.
    static let dockerfile = """
        FROM busybox
        ENV GREETING="hello world"
        WORKDIR /srv/app
        RUN mkdir -m 750 /data && chown 100:101 /data
        COPY --chown=100:101 --chmod=640 file /data/
        COPY tree /tree
        COPY tree /other
        RUN chmod 4755 /data/file && ln /data/file /data/again && ln -s ../data /srv/link
        RUN rm -rf /tree && mkdir /tree && echo new >/tree/new && rm /other/a && rmdir /other/c
        RUN echo x >/x && chown 100:101 /x && chmod 2640 /x && mkfifo /fifo && ln /x /y
        RUN mv /base /moved && chmod 1777 /moved && rm /moved/one && ln -s two /moved/one
        EXPOSE 80
        LABEL a=b
        USER app
        ENTRYPOINT ["/bin/true"]
        """

    /// The root file system of that image without busybox's links: type and mode, owner, links, path, target.
    static let tree = """
        drwxr-x--- 100:101 data
        -rwsr-xr-x 100:101 2 data/again
        -rwsr-xr-x 100:101 2 data/file
        -rw-r--r-- 0:0 1 etc/group
        -rw-r--r-- 0:0 1 etc/passwd
        prw-r--r-- 0:0 1 fifo
        drwxrwxrwt 0:0 moved
        lrwxrwxrwx 0:0 1 moved/one two
        -rw-r--r-- 0:0 1 moved/two
        drwxr-xr-x 0:0 other
        lrwxrwxrwx 0:0 1 other/b a
        drwxr-xr-x 0:0 srv
        drwxr-xr-x 0:0 srv/app
        lrwxrwxrwx 0:0 1 srv/link ../data
        drwxrwxrwt 0:0 tmp
        drwxr-xr-x 0:0 tree
        -rw-r--r-- 0:0 1 tree/new
        -rw-r-S--- 100:101 2 x
        -rw-r-S--- 100:101 2 y
        """

    /// Makes a workbench whose store has that image as `app`, and its context.
    static func directory() throws -> TestDirectory { try TestDirectory(copying: built.get()) }

    private static let built = Result {
        let directory = try TestDirectory.withBusybox()
        try Program.shell(
            """
            mkdir -p context/tree/c && cd context && echo content >file && echo a >tree/a && ln -s a tree/b
            chmod 755 tree tree/c && chmod 644 file tree/a
            """, in: directory.path)
        try directory.build(dockerfile)
        return directory
    }

    /// Lists a directory in the form of ``tree``, without the files that programs create when they start containers.
    static func listing(_ directory: String) throws -> String {
        try Program.shell(
            """
            find . -mindepth 1 -regextype egrep -regex './(proc|sys|dev|run|bin)' -prune -o \
                -regex './etc(/hosts|/hostname|/resolv.conf)?' -o \
                -type d -printf '%M %U:%G %P\\n' -o -printf '%M %U:%G %n %P %l\\n' |
                sed 's/ *$//' | awk '{ print ($1 ~ /^d/ ? $3 : $4) "\\t" $0 }' | LC_ALL=C sort | cut -f2
            """, in: directory)
    }
}
