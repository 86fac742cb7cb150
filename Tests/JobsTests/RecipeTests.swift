import Frontend
import Harness
import Project
import Testing

/// The Dockerfiles and settings that the pages in docs offer to copy.
@Suite struct RecipeTests {
    private static let platform = PlatformArguments(os: "linux", architecture: "amd64")

    private static let recipes =
        (try? Program.shell("ls docs/recipes", in: Repository.path).split(separator: "\n").map(String.init)
            .filter { $0 != "README.md" }) ?? []

    @Test("thaw lint finds nothing in a recipe, and its settings are valid", arguments: recipes)
    func recipe(page: String) throws {
        let text = try Program.shell("cat 'docs/recipes/\(page)'", in: Repository.path)
        let dockerfiles = Self.blocks("dockerfile", in: text)
        #expect(dockerfiles.count == 1)
        for block in dockerfiles {
            let dockerfile = try Dockerfile(parsing: Array(block.utf8), name: page)
            let options = Lint.Options(arguments: BuildArguments(build: Self.platform))
            #expect(Lint.check(dockerfile, options).map(\.message) == [])
        }
        #expect(try Self.projects(in: text, of: page).count == 1)
    }

    @Test("The settings of the quick start are valid")
    func quickStart() throws {
        let text = try Program.shell("cat docs/quick-start.md", in: Repository.path)
        #expect(try Self.projects(in: text, of: "quick-start.md").first?.probe == "http:8080/")
    }

    @Test("Each recipe is in the list of recipes, and in the navigation of the site")
    func list() throws {
        #expect(Self.recipes.count >= 6)
        for file in ["docs/recipes/README.md", "fixtures/site/mkdocs.yml"] {
            let text = try Program.shell("cat \(file)", in: Repository.path)
            for recipe in Self.recipes { #expect(text.contains(recipe), "\(file) lacks \(recipe)") }
        }
    }

    private static func projects(in text: String, of page: String) throws -> [ProjectFile] {
        try blocks("toml", in: text).map { try ProjectFile(parsing: $0, name: page) }
    }

    /// Returns the blocks of a page in a language.
    private static func blocks(_ language: String, in text: String) -> [String] {
        text.components(after: "```\(language)\n").map { String($0.prefix { $0 != "`" }) }
    }
}

extension String {
    /// The parts of the text that follow each occurrence of a separator.
    fileprivate func components(after separator: String) -> [Substring] {
        Array(split(separator: separator, omittingEmptySubsequences: false).dropFirst())
    }
}
