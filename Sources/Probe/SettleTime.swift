/// The time that a program runs on after its last probe, so that what it does by itself is seen too.
public struct SettleTime: Equatable, Sendable {
    /// The time without a new file or program after which it is quiet; zero to stop at once.
    public var quiet: Duration
    /// The time that it runs on in any case.
    public var least: Duration

    /// A time; the defaults are none.
    public init(quiet: Duration = .zero, least: Duration = .zero) {
        self.quiet = quiet
        self.least = least
    }

    /// The limit for a program that never becomes quiet: twelve times the quiet time, or the time that is requested.
    public var limit: Duration { max(quiet * 12, least) }
}
