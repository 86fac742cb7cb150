internal import Glibc
internal import OCI

/// The limits of retries: after lost connections, status 429 and 5xx; never after another 4xx.
///
/// Delays double from `first`, with jitter, so that many clients that failed together do not return together.
public struct Retry: Sendable {
    /// The number of tries in a row without progress.
    public var tries = 5
    /// The number of times that one transfer may be continued.
    public var resumptions = 200
    /// The first delay.
    public var first = Duration.milliseconds(500)
    /// The longest delay; also the longest `Retry-After` that is followed.
    public var ceiling = Duration.seconds(60)

    /// The default limits.
    public init() {}

    /// Returns the delay after `error`, the `count`th in a row; nil to give up.
    ///
    /// - Parameter knows: True for a server that responded before.
    func delay(after error: any Error, count: Int, knows: (String) -> Bool) -> Duration? {
        guard count < tries, let error = error as? RegistryError, error.isTransient(knows: knows) else { return nil }
        if case .busy(_, _, _, let wait?) = error { return .seconds(wait) <= ceiling ? .seconds(wait) : nil }
        let doubled = first * (1 << min(count - 1, 10))
        return min(ceiling, doubled * Double.random(in: 0.5...1.5))
    }

    /// Returns the seconds of a `Retry-After` header: a number, or a date (RFC 9110, section 10.2.3).
    static func seconds(_ header: String?) -> Int? {
        guard let header else { return nil }
        if let seconds = Int(header) { return max(0, seconds) }
        // Wed, 21 Oct 2015 07:28:00 GMT
        let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
        let words = header.split(separator: " ").map(String.init)
        guard words.count == 6, let month = months.firstIndex(of: words[2]) else { return nil }
        let date = "\(words[3])-\(month < 9 ? "0" : "")\(month + 1)-\(words[1])"
        guard let moment = RFC3339.seconds("\(date)T\(words[4])Z") else { return nil }
        return Int(clamping: max(0, moment - Int64(time(nil))))
    }
}

/// The failures of one request or of one transfer.
///
/// A transfer keeps its count for all of its requests: a server that sends one byte a request is given up too.
struct RetryCount {
    /// Failures since the transfer last made progress.
    private var sinceProgress = 0
    /// Failures because the transfer was too slow.
    ///
    /// Progress does not reset them: each costs the whole stall timeout.
    private var stalls = 0
    /// The number of failures.
    private(set) var total = 0
    private var offset: Int64

    /// No failure of a transfer that is at `offset`.
    init(at offset: Int64 = 0) { self.offset = offset }

    /// The count that ``Retry/tries`` limits.
    var consecutive: Int { max(sinceProgress, stalls) }

    /// Counts a failure of a transfer that has come to `offset`.
    mutating func add(_ error: any Error, at offset: Int64) {
        total += 1
        if (error as? RegistryError)?.isStall == true { stalls += 1 }
        sinceProgress = offset > self.offset ? 1 : sinceProgress + 1
        self.offset = max(offset, self.offset)
    }
}
