/// A machine that keeps running after its measurement, until its service ends or the measurement is cancelled.
public struct KeptMachine: Sendable {
    /// A port of the host's loopback address, and the guest's port that it forwards to.
    public struct ForwardedPort: Sendable, Equatable {
        /// The port on 127.0.0.1 of the host.
        public let host: UInt16
        /// The port in the guest.
        public let guest: UInt16

        /// Parses `HOST:GUEST`, or one number for both; `nil` for anything else.
        public init?(_ text: String) {
            let numbers = text.split(separator: ":", omittingEmptySubsequences: false).map { digits -> UInt16? in
                digits.utf8.allSatisfy { (0x30...0x39).contains($0) } ? UInt16(digits) : nil
            }
            guard (1...2).contains(numbers.count), let host = numbers[0], let guest = numbers[numbers.count - 1],
                host > 0, guest > 0
            else { return nil }
            (self.host, self.guest) = (host, guest)
        }
    }

    /// The published ports.
    public let ports: [ForwardedPort]
    /// Called once, when the service can be used.
    public let onMeasured: @Sendable (StartMeasurement) -> Void

    /// A kept machine with these ports.
    public init(ports: [ForwardedPort], onMeasured: @escaping @Sendable (StartMeasurement) -> Void) {
        self.ports = ports
        self.onMeasured = onMeasured
    }
}
