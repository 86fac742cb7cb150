/// What a client outside of the machine sees that asks what the probe asks.
///
/// It asks once, when the guest's own probe has passed, so it disturbs nothing of what that measures; and it comes
/// through the machine's socket, as a client would come through a balancer.
public enum HostView: Sendable, Equatable {
    /// Every run was answered. `firstByte` is in milliseconds from the machine's start, and so holds the guest's own
    /// probe; `request` from the connection to the first byte of the answer. The status is the last run's.
    case answered(firstByte: Statistics, request: Statistics, status: Int)
    /// A run was not.
    case failed(reason: String)

    /// What the runs saw; `nil` where nobody asked.
    init?(_ answers: [HostAnswer]) {
        var (firstBytes, requests, last): ([Double], [Double], Int?) = ([], [], nil)
        for answer in answers {
            switch answer {
            case .failed(let reason):
                self = .failed(reason: reason)
                return
            case .answered(let firstByte, let request, let status):
                firstBytes.append(firstByte)
                requests.append(request)
                last = status
            }
        }
        guard let status = last, let firstByte = Statistics(firstBytes), let request = Statistics(requests) else {
            return nil
        }
        self = .answered(firstByte: firstByte, request: request, status: status)
    }
}

/// What the host saw in one run.
enum HostAnswer: Sendable, Equatable {
    /// In milliseconds.
    case answered(firstByte: Double, request: Double, status: Int)
    case failed(reason: String)
}
