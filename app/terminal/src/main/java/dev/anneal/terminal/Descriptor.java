package dev.anneal.terminal;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import java.io.IOException;
import java.io.OutputStream;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.StructLayout;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.VarHandle;

/**
 * A file descriptor that the process was started with, written to as it is. To open it anew by its
 * path would give it an offset of its own, so that two streams into one file overwrite each other,
 * and fails for sockets and for another user's terminal.
 */
final class Descriptor extends OutputStream {
  private final int number;

  Descriptor(int number) {
    this.number = number;
  }

  /** The system's calls, looked up when the first is needed, since that takes long. */
  private static final class Calls {
    private static final Linker LINKER = Linker.nativeLinker();
    private static final StructLayout STATE = Linker.Option.captureStateLayout();
    private static final VarHandle ERRNO =
        STATE.varHandle(MemoryLayout.PathElement.groupElement("errno"));
    private static final MethodHandle WRITE =
        call("write", FunctionDescriptor.of(JAVA_LONG, JAVA_INT, ADDRESS, JAVA_LONG));
    private static final MethodHandle POLL =
        call("poll", FunctionDescriptor.of(JAVA_INT, ADDRESS, JAVA_LONG, JAVA_INT));

    private static MethodHandle call(String name, FunctionDescriptor type) {
      return LINKER.downcallHandle(
          LINKER.defaultLookup().findOrThrow(name), type, Linker.Option.captureCallState("errno"));
    }
  }

  private static final int EINTR = 4;
  private static final int EAGAIN = System.getProperty("os.name", "").startsWith("Mac") ? 35 : 11;
  private static final short POLLOUT = 4;
  private static final short POLLERR = 8;
  private static final short POLLHUP = 16;

  /** A {@code struct pollfd}: the descriptor, what is asked for, what is the case. */
  private static final long POLLFD_BYTES = 8;

  private static final long POLLFD_ASKED = 4;
  private static final long POLLFD_FOUND = 6;

  @Override
  public void write(int b) throws IOException {
    write(new byte[] {(byte) b}, 0, 1);
  }

  /** Writes all of it; waits where a stream that does not block is full. */
  @Override
  public synchronized void write(byte[] bytes, int offset, int length) throws IOException {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment state = arena.allocate(Calls.STATE);
      MemorySegment data = arena.allocate(Math.max(1, length));
      MemorySegment.copy(bytes, offset, data, java.lang.foreign.ValueLayout.JAVA_BYTE, 0, length);
      for (long done = 0; done < length; ) {
        long n = write(state, data.asSlice(done), length - done);
        if (n >= 0) {
          done += n;
          continue;
        }
        int errno = (int) Calls.ERRNO.get(state, 0L);
        if (errno == EAGAIN) {
          poll(arena, -1);
        } else if (errno != EINTR) {
          throw new IOException("error " + errno);
        }
      }
    }
  }

  private long write(MemorySegment state, MemorySegment data, long length) {
    try {
      return (long) Calls.WRITE.invokeExact(state, number, data, length);
    } catch (Throwable e) {
      throw new IllegalStateException("write(" + number + ") cannot be called", e);
    }
  }

  /** Whether it is a pipe, a socket or a terminal whose other end is closed. */
  boolean readerIsGone() {
    try (Arena arena = Arena.ofConfined()) {
      return (poll(arena, 0) & (POLLERR | POLLHUP)) != 0;
    }
  }

  private int poll(Arena arena, int milliseconds) {
    MemorySegment asked = arena.allocate(POLLFD_BYTES, JAVA_INT.byteAlignment());
    asked.set(JAVA_INT, 0, number);
    asked.set(JAVA_SHORT, POLLFD_ASKED, POLLOUT);
    MemorySegment state = arena.allocate(Calls.STATE);
    try {
      int found = (int) Calls.POLL.invokeExact(state, asked, 1L, milliseconds);
      return found > 0 ? asked.get(JAVA_SHORT, POLLFD_FOUND) : 0;
    } catch (Throwable e) {
      throw new IllegalStateException("poll(" + number + ") cannot be called", e);
    }
  }
}
