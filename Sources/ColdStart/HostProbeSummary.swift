/// The view of a client outside of the machine that makes the probe's request.
///
/// It makes one request after the guest's own probe has passed, so it does not disturb that measurement. It uses the
/// machine's socket, like a client behind a load balancer.
public enum HostProbeSummary: Sendable, Equatable {
    /// Every run got a response; the status is the last run's.
    ///
    /// `firstByte` is in milliseconds from the machine's start, and so includes the guest's own probe. `request` is
    /// from the connection to the first byte of the response.
    case answered(firstByte: Statistics, request: Statistics, status: Int)
    /// At least one run got no response.
    case failed(reason: String)

    /// Combines runs; `nil` if there are none.
    init?(_ runs: [HostProbeSummary]) {
        var (firstBytes, requests, last): ([Double], [Double], Int?) = ([], [], nil)
        for run in runs {
            guard case .answered(let firstByte, let request, let status) = run else {
                self = run
                return
            }
            firstBytes += firstByte.samples
            requests += request.samples
            last = status
        }
        guard let status = last, let firstByte = Statistics(firstBytes), let request = Statistics(requests) else {
            return nil
        }
        self = .answered(firstByte: firstByte, request: request, status: status)
    }
}
