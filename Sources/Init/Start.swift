import CInit

/// PID 1 of a measured start, in our virtual machine, in QEMU's, or in a container.
///
/// It reads its boot spec, sets up the machine, starts the image's entrypoint, and reports every step as a frame. It is
/// done when the probe passes. A failure is reported as a frame too; without a link, init only exits.
@main
struct Start {
    let clock: Clock
    let orders: Orders
    let link: Link

    /// In a machine the boot spec is in the initramfs; a container passes its path.
    static func main() {
        let clock = now()
        let path = firstArgument()
        if path == nil { Machine.mountDevices() }
        guard let file = contents(of: path ?? bytes("/orders")), let orders = Orders(decoding: file) else {
            cinit_exit(81)
        }
        guard let link = Link(orders.channel) else { cinit_exit(82) }
        link.send(.mark(.started, clock))
        Start(clock: clock, orders: orders, link: link).serve()
        if path == nil { cinit_power_off() }
        cinit_exit(0)
    }

    private static func firstArgument() -> [UInt8]? {
        guard let text = cinit_argument(1) else { return nil }
        var argument: [UInt8] = []
        while text[argument.count] != 0 { argument.append(UInt8(bitPattern: text[argument.count])) }
        return argument
    }

    private func serve() {
        do throws(Message.Failure) {
            let lateModules = orders.place == .machine ? try prepareMachine() : []
            let observer = orders.observes ? beginToObserve() : nil
            let signals = cinit_signal_descriptor()
            let child = try Command(orders.arguments, of: orders).start()
            link.mark(.executed)
            let deadline = clock.nanoseconds &+ UInt64(orders.timeoutMilliseconds) * 1_000_000
            var supervisor = Supervisor(
                child, orders: orders, lateModules: lateModules, link: link, signals: signals, deadline: deadline,
                observer: observer)
            let verdict = supervisor.run()
            if let peak = supervisor.peakMemory() { link.send(.peakMemory(peak)) }
            link.send(.finished(verdict))
            if verdict == .passed, case .doorbell = link { link.send(.finished(supervisor.goOn())) }
        } catch {
            link.send(.failed(error))
            link.send(.finished(.failed))
        }
    }

    /// Starts to observe opened files; on a failure the interview continues, and the host gets the reason.
    private func beginToObserve() -> Observer? {
        do throws(Message.Failure) { return try Observer() } catch {
            link.send(.told(.blind(error.errno)))
            return nil
        }
    }

    /// Sets up the machine; returns the open files of the late modules, which are unreachable by path afterwards.
    private func prepareMachine() throws(Message.Failure) -> [OpenModule] {
        let machine = Machine(orders: orders)
        var lateModules: [OpenModule] = []
        for module in orders.lateModules { lateModules.append(try OpenModule(module)) }
        try machine.enterRoot()
        link.mark(.rootMounted)
        try machine.furnish()
        return lateModules
    }
}
