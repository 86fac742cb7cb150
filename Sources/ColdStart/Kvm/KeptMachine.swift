/// A machine that goes on after it was measured, until its service ends or the measurement is cancelled.
public struct KeptMachine: Sendable {
    /// A port of this machine's loopback address, and the guest's to which it leads.
    public struct Port: Sendable, Equatable {
        /// Here, on 127.0.0.1.
        public let host: UInt16
        /// In the guest.
        public let guest: UInt16

        /// Reads `HOST:GUEST`, or one number for both; `nil` for anything else.
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

    /// What can be reached from here.
    public let ports: [Port]
    /// Told once, when the service can be used.
    public let whenMeasured: @Sendable (Measurement) -> Void

    /// A machine to keep.
    public init(ports: [Port], whenMeasured: @escaping @Sendable (Measurement) -> Void) {
        self.ports = ports
        self.whenMeasured = whenMeasured
    }
}
