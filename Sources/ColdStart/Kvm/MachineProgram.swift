internal import MicroVM

/// The entry point of a program that serves a virtual machine.
public enum MachineProgram {
    /// Serves a machine and ends the process, if ``KvmEngine`` has started the program for that.
    ///
    /// Call it on the first line of a program: the process must have one thread.
    public static func runIfRequested() { MachineServer.runIfRequested() }
}
