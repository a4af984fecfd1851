package dev.anneal.cpu;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.util.Optional;

/**
 * Zeroed memory in pages of 2 MiB where the system has them (Linux, where programs must ask). A
 * matrix product walks rows that are kilobytes apart, and every row of small pages is another entry
 * of the translation cache.
 */
final class HugePages {
  private static final int PROT_READ_WRITE = 3;
  private static final int MAP_PRIVATE_ANONYMOUS = 0x22;
  private static final int MADV_HUGEPAGE = 14;
  private static final long PAGE = 2L << 20;

  private static final Optional<Calls> CALLS = Calls.find();

  private HugePages() {}

  /**
   * Allocates {@code bytes} for as long as {@code arena} lives.
   *
   * @throws OutOfMemoryError when there is not so much
   */
  static MemorySegment allocate(Arena arena, long bytes) {
    if (CALLS.isEmpty() || bytes < PAGE) {
      return arena.allocate(Math.max(bytes, 64), 64);
    }
    Calls calls = CALLS.get();
    long size = Math.ceilDiv(bytes, PAGE) * PAGE + PAGE;
    long mapped = calls.map(size);
    long aligned = Math.ceilDiv(mapped, PAGE) * PAGE;
    calls.advise(aligned, size - PAGE);
    return MemorySegment.ofAddress(aligned)
        .reinterpret(bytes, arena, segment -> calls.unmap(mapped, size));
  }

  /** The three functions of the C library. */
  private record Calls(MethodHandle mmap, MethodHandle madvise, MethodHandle munmap) {

    static Optional<Calls> find() {
      if (!System.getProperty("os.name").equals("Linux")) {
        return Optional.empty();
      }
      Linker linker = Linker.nativeLinker();
      var lookup = linker.defaultLookup();
      var i = ValueLayout.JAVA_INT;
      var l = ValueLayout.JAVA_LONG;
      return Optional.of(
          new Calls(
              linker.downcallHandle(
                  lookup.findOrThrow("mmap"), FunctionDescriptor.of(l, l, l, i, i, i, l)),
              linker.downcallHandle(
                  lookup.findOrThrow("madvise"), FunctionDescriptor.of(i, l, l, i)),
              linker.downcallHandle(lookup.findOrThrow("munmap"), FunctionDescriptor.of(i, l, l))));
    }

    long map(long size) {
      try {
        long address =
            (long) mmap.invokeExact(0L, size, PROT_READ_WRITE, MAP_PRIVATE_ANONYMOUS, -1, 0L);
        if (address == -1) {
          throw new OutOfMemoryError("mmap of " + size + " bytes failed");
        }
        return address;
      } catch (OutOfMemoryError e) {
        throw e;
      } catch (Throwable e) {
        throw new IllegalStateException("mmap", e);
      }
    }

    void advise(long address, long size) {
      try {
        // A system that refuses gives small pages, which work as well, only slower.
        int refused = (int) madvise.invokeExact(address, size, MADV_HUGEPAGE);
        assert refused <= 0;
      } catch (Throwable e) {
        throw new IllegalStateException("madvise", e);
      }
    }

    void unmap(long address, long size) {
      try {
        int failed = (int) munmap.invokeExact(address, size);
        assert failed == 0;
      } catch (Throwable e) {
        throw new IllegalStateException("munmap", e);
      }
    }
  }
}
