internal import MicroVM

/// The part of a program that serves a virtual machine.
public enum MachineProgram {
    /// Serves a machine and ends the process, where ``KvmEngine`` has started the program for that.
    ///
    /// For the first line of a program: the process must have one thread.
    public static func runIfWanted() { MachineServer.runIfWanted() }
}
