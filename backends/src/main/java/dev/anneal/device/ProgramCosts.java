package dev.anneal.device;

import java.util.List;

/**
 * What one run of a plan costs a device, in counts: they say how fast a step can be where no time
 * can be measured.
 *
 * @param commands all that the device is told, in order
 * @param workspaceBytes of scratch beside the arenas, as far as libraries say what they need
 * @param calls of the driver
 */
public record ProgramCosts(List<Command> commands, long workspaceBytes, Calls calls) {
  public ProgramCosts {
    commands = List.copyOf(commands);
  }

  /**
   * Calls of the driver, each of which costs the host some microseconds.
   *
   * @param run of a run that times no ops, without waiting for it where that can be
   * @param copyIn of a copy to the device
   * @param copyOut of a copy to the host
   * @param mark of setting a {@link Mark}
   * @param await of waiting at one
   */
  public record Calls(int run, int copyIn, int copyOut, int mark, int await) {}

  /** Who does a command. */
  public enum By {
    /** A kernel of ours. */
    KERNEL,
    /** A vendor's library, which may launch several kernels. */
    LIBRARY,
    /** The driver's own filling of memory. */
    FILL
  }

  /**
   * One thing that the device is told to do.
   *
   * @param op the kind of op that it is for, or of several
   * @param what the kernel's name, or what a library does
   * @param readBytes every tensor that it reads, once: what no cache can save
   * @param writtenBytes the same of what it writes
   */
  public record Command(String op, String what, By by, long readBytes, long writtenBytes) {
    public long bytes() {
      return readBytes + writtenBytes;
    }
  }
}
