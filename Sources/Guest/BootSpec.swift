/// The boot spec: all parameters of init, written by the host and read once.
///
/// Strings are bytes, because neither the image nor the kernel guarantees UTF-8.
public struct BootSpec: Equatable, Sendable {
    /// The environment of init, which decides the parts of it that init must set up.
    public enum Runtime: UInt8, Sendable {
        /// PID 1 of a virtual machine: init sets up modules, mounts, network and power.
        case machine = 1
        /// PID 1 of a container that is already set up.
        case container
    }

    /// The moment at which init pauses once, so that the machine can be saved.
    public enum PausePoint: UInt8, Sendable {
        /// Never.
        case never
        /// After the probe has passed; it is repeated after the resume.
        case ready
        /// After the probe has passed, when half of another request has been sent.
        case request
    }

    /// The addresses of a machine with a network card: init sets them, and uses no DHCP.
    public struct NetworkCard: Equatable, Sendable {
        /// The machine's own IPv4 address; its first byte is the most significant one.
        public var address: UInt32
        /// The length of the network prefix in bits.
        public var prefix: UInt8
        /// The address of the gateway.
        public var gateway: UInt32
        /// The address of the DNS server.
        public var nameserver: UInt32

        /// A network configuration.
        public init(address: UInt32, prefix: UInt8, gateway: UInt32, nameserver: UInt32) {
            self.address = address
            self.prefix = prefix
            self.gateway = gateway
            self.nameserver = nameserver
        }
    }

    /// The environment of init.
    public var runtime: Runtime
    /// The device or descriptor for frames.
    public var channel: [UInt8]
    /// Modules in the initramfs, in load order.
    public var modules: [[UInt8]] = []
    /// Modules that are loaded after the probe has passed; the entrypoint needs none of them.
    public var lateModules: [[UInt8]] = []
    /// The network of a machine that has more than its loopback.
    public var network: NetworkCard?
    /// Ports of the loopback address that the host can reach through the machine's sockets, after the probe has passed.
    ///
    /// At most ``proxiedPortLimit``.
    public var proxiedPorts: [UInt16] = []
    /// The block device that holds the EROFS root.
    public var rootDevice: [UInt8] = []
    /// The moment at which init pauses.
    public var pausePoint = PausePoint.never
    /// The host name inside.
    public var hostname: [UInt8]
    /// The entrypoint and its arguments.
    public var arguments: [[UInt8]]
    /// `NAME=value` strings, as in the image's configuration.
    public var environment: [[UInt8]]
    /// The entrypoint's working directory; empty means `/`.
    public var workingDirectory: [UInt8]
    /// `user[:group]` by name or by number; empty means root.
    public var user: [UInt8]
    /// The check that the entrypoint serves; init runs the entrypoint until its end for a pattern, or without a probe.
    public var probe: ProbeAction?
    /// The timeout of the probe, from init's start.
    public var timeoutMilliseconds: UInt32
    /// The probes to run after ``probe`` has passed, or at once without it; at most ``probeLimit``, and no patterns.
    public var probeSpecs: [ProbeSpec] = []
    /// True if the entrypoint runs on after the last of them, until the host has matched all patterns.
    public var keepsRunning = false
    /// True if init reports the files of the image that are opened; only in a machine.
    public var recordsOpenedFiles = false
    /// True if init sends SIGTERM to the entrypoint after the probe has passed; with a doorbell it only looks for a handler.
    public var checksTermination = false
    /// True if init records the image's threads and the files that they open, until the probe passes; only in a machine.
    public var recordsStart = false

    /// The time without a new file or program after which init takes the program for quiet, after the last probe.
    public var quietMilliseconds: UInt32 = 0
    /// The time that the program runs on after the last probe in any case.
    public var continueMilliseconds: UInt32 = 0

    /// A boot spec without modules and root device, which only a machine has.
    public init(
        runtime: Runtime, channel: [UInt8], hostname: [UInt8], arguments: [[UInt8]], environment: [[UInt8]],
        workingDirectory: [UInt8], user: [UInt8], probe: ProbeAction?, timeoutMilliseconds: UInt32
    ) {
        self.runtime = runtime
        self.channel = channel
        self.hostname = hostname
        self.arguments = arguments
        self.environment = environment
        self.workingDirectory = workingDirectory
        self.user = user
        self.probe = probe
        self.timeoutMilliseconds = timeoutMilliseconds
    }
}

extension BootSpec {
    /// The maximum number of proxied ports.
    public static let proxiedPortLimit = 32
    /// The maximum number of ``probeSpecs``.
    public static let probeLimit = 256

    /// The maximum number of ranges of a probe's statuses.
    public static let statusLimit = 255

    private static let version: UInt32 = 0x3877_6874

    /// Encodes the boot spec as the bytes of a file.
    ///
    /// - Precondition: there are no more proxied ports than ``proxiedPortLimit``, nor probes than ``probeLimit``.
    public func encode() -> [UInt8] {
        precondition(proxiedPorts.count <= BootSpec.proxiedPortLimit && probeSpecs.count <= BootSpec.probeLimit)
        var writer = WireWriter()
        writer.put(BootSpec.version)
        writer.put(runtime.rawValue)
        writer.put(channel)
        writer.put(modules)
        writer.put(lateModules)
        writer.put(network)
        writer.put(UInt8(proxiedPorts.count))
        for port in proxiedPorts { writer.put(port) }
        writer.put(rootDevice)
        writer.put(pausePoint.rawValue)
        writer.put(hostname)
        writer.put(arguments)
        writer.put(environment)
        writer.put(workingDirectory)
        writer.put(user)
        writer.put(timeoutMilliseconds)
        writer.put(probe)
        writer.put(UInt16(probeSpecs.count))
        for spec in probeSpecs {
            writer.put(spec.action)
            writer.put(UInt8(spec.mustPass ? 1 : 0))
            writer.put(spec.timeoutMilliseconds)
        }
        writer.put(UInt8(keepsRunning ? 1 : 0))
        writer.put(UInt8(recordsOpenedFiles ? 1 : 0))
        writer.put(UInt8(checksTermination ? 1 : 0))
        writer.put(UInt8(recordsStart ? 1 : 0))
        writer.put(quietMilliseconds)
        writer.put(continueMilliseconds)
        return writer.bytes
    }

    /// Decodes the bytes of a file; `nil` if it has another version or is damaged.
    public init?(decoding bytes: [UInt8]) {
        var reader = WireReader(bytes)
        guard reader.number(UInt32.self) == BootSpec.version,
            let runtime = reader.number().flatMap(Runtime.init(rawValue:)),
            let channel = reader.text(), let modules = reader.list(), let lateModules = reader.list(),
            let network = reader.network(), let ports = reader.ports(), let rootDevice = reader.text(),
            let pausePoint = reader.number().flatMap(PausePoint.init(rawValue:)), let hostname = reader.text(),
            let arguments = reader.list(), let environment = reader.list(),
            let workingDirectory = reader.text(), let user = reader.text(),
            let timeout = reader.number(UInt32.self), let probe = reader.probe(), let probeSpecs = reader.probeSpecs(),
            let keepsRunning = reader.flag(), let recordsOpenedFiles = reader.flag(),
            let checksTermination = reader.flag(), let recordsStart = reader.flag(),
            let quiet = reader.number(UInt32.self), let longer = reader.number(UInt32.self), reader.isAtEnd
        else { return nil }
        self.init(
            runtime: runtime, channel: channel, hostname: hostname, arguments: arguments, environment: environment,
            workingDirectory: workingDirectory, user: user, probe: probe, timeoutMilliseconds: timeout)
        self.modules = modules
        self.lateModules = lateModules
        self.network = network
        proxiedPorts = ports
        self.rootDevice = rootDevice
        self.pausePoint = pausePoint
        (self.probeSpecs, self.keepsRunning, self.recordsOpenedFiles) = (probeSpecs, keepsRunning, recordsOpenedFiles)
        (self.checksTermination, self.recordsStart) = (checksTermination, recordsStart)
        (quietMilliseconds, continueMilliseconds) = (quiet, longer)
    }
}

extension WireWriter {
    fileprivate mutating func put(_ network: BootSpec.NetworkCard?) {
        put(UInt8(network == nil ? 0 : 1))
        guard let network else { return }
        put(network.address)
        put(network.prefix)
        put(network.gateway)
        put(network.nameserver)
    }

    private mutating func put(_ probe: HTTPProbe) {
        put(probe.port)
        put(probe.path)
        put(probe.method)
        put(probe.host)
        put(probe.headers)
        put(probe.body)
        put(probe.wanted)
        put(UInt8(truncatingIfNeeded: min(probe.statuses.count, BootSpec.statusLimit)))
        for range in probe.statuses.prefix(BootSpec.statusLimit) {
            put(range.first)
            put(range.last)
        }
    }

    /// Appends a probe; a pattern is the host's to match, and for init the same as no probe.
    fileprivate mutating func put(_ probe: ProbeAction?) {
        switch probe {
        case nil, .log?: put(UInt8(0))
        case .http(let probe)?:
            put(UInt8(1))
            put(probe)
        case .tcp(let port)?:
            put(UInt8(2))
            put(port)
        case .exec(let words)?:
            put(UInt8(3))
            put(words)
        }
    }
}

extension WireReader {
    /// Reads a network or its absence; the outer `nil` means an invalid encoding.
    fileprivate mutating func network() -> BootSpec.NetworkCard?? {
        switch number(UInt8.self) {
        case 0: return .some(nil)
        case 1:
            guard let address = number(UInt32.self), let prefix = number(UInt8.self), prefix <= 32,
                let gateway = number(UInt32.self), let nameserver = number(UInt32.self)
            else { return nil }
            return .some(
                BootSpec.NetworkCard(address: address, prefix: prefix, gateway: gateway, nameserver: nameserver))
        default: return nil
        }
    }

    fileprivate mutating func ports() -> [UInt16]? {
        guard let count = number(UInt8.self), Int(count) <= BootSpec.proxiedPortLimit else { return nil }
        return ports(Int(count))
    }

    fileprivate mutating func flag() -> Bool? {
        switch number(UInt8.self) {
        case 0: false
        case 1: true
        default: nil
        }
    }

    fileprivate mutating func probeSpecs() -> [ProbeSpec]? {
        guard let count = number(UInt16.self), Int(count) <= BootSpec.probeLimit else { return nil }
        var probeSpecs: [ProbeSpec] = []
        for _ in 0..<count {
            guard let probe = probe(), let action = probe, let mustPass = flag(), let timeout = number(UInt32.self)
            else { return nil }
            probeSpecs.append(ProbeSpec(action, mustPass: mustPass, timeoutMilliseconds: timeout))
        }
        return probeSpecs
    }

    private mutating func httpProbe() -> HTTPProbe? {
        guard let port = number(UInt16.self), let path = text(), let method = text(), let host = text(),
            let headers = list(), let body = text(), let wanted = text(), let count = number(UInt8.self)
        else { return nil }
        var probe = HTTPProbe(port: port, path: path)
        (probe.method, probe.host, probe.headers, probe.body, probe.wanted) = (method, host, headers, body, wanted)
        for _ in 0..<count {
            guard let first = number(UInt16.self), let last = number(UInt16.self) else { return nil }
            probe.statuses.append(HTTPProbe.Statuses(first, last))
        }
        return probe
    }

    /// Reads a probe or its absence; the outer `nil` means an invalid encoding.
    fileprivate mutating func probe() -> ProbeAction?? {
        switch number(UInt8.self) {
        case 0: return .some(nil)
        case 1:
            return httpProbe().map { ProbeAction.http($0) }
        case 2: return number(UInt16.self).map { ProbeAction.tcp(port: $0) }
        case 3: return list().map { ProbeAction.exec($0) }
        default: return nil
        }
    }
}
