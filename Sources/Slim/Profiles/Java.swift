internal import Linux

extension ProfileRule {
    /// The virtual machine with its modules, settings and certificates.
    ///
    /// The list of classes for other releases, sources, modules for the linker and the archive for heaps without
    /// compressed pointers are left out; without the last the same classes are loaded from the modules.
    static let java = ProfileRule(
        profile: .java, symbols: [.java, .javaLauncher], libraries: ["libjvm.so", "libjli.so"], programs: ["java"],
        trees: ["etc/java-*", "etc/ssl/certs/java", "usr/lib/jvm"],
        without: ["ct.sym", "src.zip", "jmods", "demo", "man", "*.debuginfo", "include", "classes_nocoops.jsa"],
        leftOut: [
            "usr/lib/jvm/*/lib/ct.sym", "usr/lib/jvm/*/lib/src.zip", "usr/lib/jvm/*/lib/server/classes_nocoops.jsa",
            "usr/lib/jvm/*/jmods", "usr/lib/jvm/*/man", "usr/lib/jvm/*/include",
        ], developers: ["javac", "jlink"])
}
