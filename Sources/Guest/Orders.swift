/// Everything init must know, written by the host and read by init once.
///
/// Strings are bytes here because neither the image nor the kernel promises UTF-8.
public struct Orders: Equatable, Sendable {
    /// Where init runs, which decides how much of the machine it must make first.
    public enum Place: UInt8, Sendable {
        /// PID 1 of a virtual machine: modules, mounts, network and power are init's business.
        case machine = 1
        /// PID 1 of a container that somebody else has set up.
        case container
    }

    /// What proves that the entrypoint serves.
    public enum Probe: Equatable, Sendable {
        /// Nothing: the entrypoint runs until it ends or the host stops it.
        case none
        /// A GET on the loopback address, answered with a status from 200 to 399.
        case http(port: UInt16, path: [UInt8])
        /// A connection on the loopback address.
        case tcp(port: UInt16)
        /// A command in the image that ends with status 0.
        case command([[UInt8]])
    }

    /// One question of an interview.
    public struct Question: Equatable, Sendable {
        /// What is asked.
        public var probe: Probe
        /// It is asked again for a while where it does not pass.
        public var mustPass: Bool

        /// A question.
        public init(_ probe: Probe, mustPass: Bool) {
            self.probe = probe
            self.mustPass = mustPass
        }
    }

    /// When init stands still once, so that the machine can be saved.
    public enum Hold: UInt8, Sendable {
        /// Not at all.
        case never
        /// When the probe has passed; it is tried anew afterwards.
        case ready
        /// When the probe has passed, and half of another request is on its way.
        case request
    }

    /// The addresses of a machine that has a network card: init sets them, and asks nobody for others.
    public struct Network: Equatable, Sendable {
        /// The machine's own IPv4 address; its first byte is the most significant one.
        public var address: UInt32
        /// How many of its bits name the network.
        public var prefix: UInt8
        /// Who passes on what is for other networks.
        public var gateway: UInt32
        /// Who knows names.
        public var nameserver: UInt32

        /// Addresses.
        public init(address: UInt32, prefix: UInt8, gateway: UInt32, nameserver: UInt32) {
            self.address = address
            self.prefix = prefix
            self.gateway = gateway
            self.nameserver = nameserver
        }
    }

    /// Where init runs.
    public var place: Place
    /// The device or descriptor that frames are written to.
    public var channel: [UInt8]
    /// Modules in the initramfs, in the order in which they can be loaded.
    public var modules: [[UInt8]] = []
    /// More of them, which are loaded when the probe has passed: nothing that the entrypoint needs.
    public var lateModules: [[UInt8]] = []
    /// The network, of a machine that has one besides its loopback.
    public var network: Network?
    /// Ports of the loopback address that the host reaches by the machine's sockets once the probe has passed, at most
    /// ``proxiedPortLimit``.
    public var proxiedPorts: [UInt16] = []
    /// The block device that holds the EROFS root.
    public var rootDevice: [UInt8] = []
    /// When init stands still.
    public var hold = Hold.never
    /// The host name inside.
    public var hostname: [UInt8]
    /// The entrypoint and its arguments.
    public var arguments: [[UInt8]]
    /// `NAME=value`, as the image's configuration has them.
    public var environment: [[UInt8]]
    /// Where the entrypoint starts; empty means `/`.
    public var workingDirectory: [UInt8]
    /// `user[:group]` by name or by number; empty means root.
    public var user: [UInt8]
    /// What proves that the entrypoint serves.
    public var probe: Probe
    /// How long init waits for the probe, from its own start, and for the answer to each question.
    public var timeoutMilliseconds: UInt32
    /// What is asked once the probe has passed, or at once where there is none; at most ``questionLimit``.
    public var questions: [Question] = []
    /// The entrypoint runs on after the last question, until the host has seen what it waits for.
    public var lingers = false
    /// Init tells which files of the image are opened; only in a machine.
    public var observes = false

    /// Orders without modules and root device, which only a machine has.
    public init(
        place: Place, channel: [UInt8], hostname: [UInt8], arguments: [[UInt8]], environment: [[UInt8]],
        workingDirectory: [UInt8], user: [UInt8], probe: Probe, timeoutMilliseconds: UInt32
    ) {
        self.place = place
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

extension Orders {
    /// The most ports that a machine proxies.
    public static let proxiedPortLimit = 32
    /// The most questions of an interview.
    public static let questionLimit = 256

    private static let version: UInt32 = 0x3477_6874

    /// The orders as the bytes of a file.
    ///
    /// - Precondition: there are no more proxied ports than ``proxiedPortLimit``, nor questions than ``questionLimit``.
    public func encode() -> [UInt8] {
        precondition(proxiedPorts.count <= Orders.proxiedPortLimit && questions.count <= Orders.questionLimit)
        var writer = WireWriter()
        writer.put(Orders.version)
        writer.put(place.rawValue)
        writer.put(channel)
        writer.put(modules)
        writer.put(lateModules)
        writer.put(network)
        writer.put(UInt8(proxiedPorts.count))
        for port in proxiedPorts { writer.put(port) }
        writer.put(rootDevice)
        writer.put(hold.rawValue)
        writer.put(hostname)
        writer.put(arguments)
        writer.put(environment)
        writer.put(workingDirectory)
        writer.put(user)
        writer.put(timeoutMilliseconds)
        writer.put(probe)
        writer.put(UInt16(questions.count))
        for question in questions {
            writer.put(question.probe)
            writer.put(UInt8(question.mustPass ? 1 : 0))
        }
        writer.put(UInt8(lingers ? 1 : 0))
        writer.put(UInt8(observes ? 1 : 0))
        return writer.bytes
    }

    /// The orders in a file, or `nil` if it is of another version or damaged.
    public init?(decoding bytes: [UInt8]) {
        var reader = WireReader(bytes)
        guard reader.number(UInt32.self) == Orders.version,
            let place = reader.number().flatMap(Place.init(rawValue:)),
            let channel = reader.text(), let modules = reader.list(), let lateModules = reader.list(),
            let network = reader.network(), let ports = reader.ports(), let rootDevice = reader.text(),
            let hold = reader.number().flatMap(Hold.init(rawValue:)), let hostname = reader.text(),
            let arguments = reader.list(), let environment = reader.list(),
            let workingDirectory = reader.text(), let user = reader.text(),
            let timeout = reader.number(UInt32.self), let probe = reader.probe(), let questions = reader.questions(),
            let lingers = reader.flag(), let observes = reader.flag(), reader.isAtEnd
        else { return nil }
        self.init(
            place: place, channel: channel, hostname: hostname, arguments: arguments, environment: environment,
            workingDirectory: workingDirectory, user: user, probe: probe, timeoutMilliseconds: timeout)
        self.modules = modules
        self.lateModules = lateModules
        self.network = network
        proxiedPorts = ports
        self.rootDevice = rootDevice
        self.hold = hold
        (self.questions, self.lingers, self.observes) = (questions, lingers, observes)
    }
}

extension WireWriter {
    fileprivate mutating func put(_ network: Orders.Network?) {
        put(UInt8(network == nil ? 0 : 1))
        guard let network else { return }
        put(network.address)
        put(network.prefix)
        put(network.gateway)
        put(network.nameserver)
    }

    fileprivate mutating func put(_ probe: Orders.Probe) {
        switch probe {
        case .none: put(UInt8(0))
        case .http(let port, let path):
            put(UInt8(1))
            put(port)
            put(path)
        case .tcp(let port):
            put(UInt8(2))
            put(port)
        case .command(let words):
            put(UInt8(3))
            put(words)
        }
    }
}

extension WireReader {
    /// A network, or none, or `nil` where there is neither.
    fileprivate mutating func network() -> Orders.Network?? {
        switch number(UInt8.self) {
        case 0: return .some(nil)
        case 1:
            guard let address = number(UInt32.self), let prefix = number(UInt8.self), prefix <= 32,
                let gateway = number(UInt32.self), let nameserver = number(UInt32.self)
            else { return nil }
            return .some(
                Orders.Network(address: address, prefix: prefix, gateway: gateway, nameserver: nameserver))
        default: return nil
        }
    }

    fileprivate mutating func ports() -> [UInt16]? {
        guard let count = number(UInt8.self), Int(count) <= Orders.proxiedPortLimit else { return nil }
        return ports(Int(count))
    }

    fileprivate mutating func flag() -> Bool? {
        switch number(UInt8.self) {
        case 0: false
        case 1: true
        default: nil
        }
    }

    fileprivate mutating func questions() -> [Orders.Question]? {
        guard let count = number(UInt16.self), Int(count) <= Orders.questionLimit else { return nil }
        var questions: [Orders.Question] = []
        for _ in 0..<count {
            guard let probe = probe(), let mustPass = flag() else { return nil }
            questions.append(Orders.Question(probe, mustPass: mustPass))
        }
        return questions
    }

    fileprivate mutating func probe() -> Orders.Probe? {
        switch number(UInt8.self) {
        case 0: return Orders.Probe.none
        case 1:
            guard let port = number(UInt16.self), let path = text() else { return nil }
            return .http(port: port, path: path)
        case 2: return number(UInt16.self).map { .tcp(port: $0) }
        case 3: return list().map { .command($0) }
        default: return nil
        }
    }
}
