/// The comparison of a set of names or lines, which programs may show in any order and number.
///
/// A member that is in each start of the original must be in some start of the slim image. A member that is in each
/// start of the slim image must be in some start of the original. So what comes by chance proves nothing.
struct SetComparison {
    /// The sets of the original's starts.
    var before: [Set<String>]
    /// The sets of the slim image's starts.
    var after: [Set<String>]

    private var isComparable: Bool { !before.isEmpty && !after.isEmpty }

    /// The members that only the original has, sorted.
    var missing: [String] { !isComparable ? [] : Self.common(before).subtracting(Self.all(after)).sorted() }
    /// The members that only the slim image has, sorted.
    var new: [String] { !isComparable ? [] : Self.common(after).subtracting(Self.all(before)).sorted() }
    /// True if the starts of one image differ.
    var isUnstable: Bool { Set(before).count > 1 || Set(after).count > 1 }

    /// Returns the differences as fields of that name.
    func differences(_ field: String) -> [Difference] {
        missing.map { Difference(ofSet: field, missing: $0) } + new.map { Difference(ofSet: field, new: $0) }
    }

    private static func common(_ sets: [Set<String>]) -> Set<String> {
        sets.dropFirst().reduce(sets.first ?? []) { $0.intersection($1) }
    }

    private static func all(_ sets: [Set<String>]) -> Set<String> { sets.reduce([]) { $0.union($1) } }
}
