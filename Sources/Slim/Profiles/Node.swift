internal import Linux

extension ProfileRule {
    /// Modules of Debian's packages, in which Node.js looks after the application's own.
    static let node = ProfileRule(
        profile: .node, symbols: [.node, .nodeStart], libraries: ["libnode.so"], programs: ["node", "nodejs"],
        trees: ["usr/lib/*/nodejs", "usr/lib/nodejs", "usr/share/nodejs", "usr/share/node_modules"],
        without: ["npm", "corepack", "*.map", "*.d.ts"])
}
