extension ProfileRule {
    /// Headers, objects and libraries for programs that compile at run time.
    static let compiler = ProfileRule(
        profile: .compiler,
        programs: ["cc", "gcc", "g++", "c++", "clang", "tcc", "cc1", "cc1plus", "ld", "gcc-12", "g++-12"],
        trees: [
            "usr/include", "usr/local/include", "usr/lib/gcc", "usr/lib/*/crt1.o", "usr/lib/*/crti.o",
            "usr/lib/*/crtn.o",
            "usr/lib/*/Scrt1.o", "usr/lib/*/lib*.a", "usr/lib/*/lib*.so",
        ], starts: ["cc1", "as", "ld", "collect2"])
}
