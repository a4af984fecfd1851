package dev.anneal.huggingface;

import static dev.anneal.checkpoint.ModelFile.CHUNK;

import dev.anneal.checkpoint.SafetensorsEntry;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Optional;

/**
 * The numbers of tensors in a folder's shapes and formats, as parameters here: float32, (out, in),
 * and 0 in the rows that pad the vocabulary.
 */
final class HubValues implements AutoCloseable {
  /** It stands beside the model, and has no prefix. */
  static final String HEAD = "lm_head.weight";

  private final Tensors tensors;
  private final String prefix;
  private final Arena arena = Arena.ofShared();
  private final MemorySegment packed = arena.allocate((long) CHUNK * Float.BYTES, 64);
  private Optional<Transposed> last = Optional.empty();

  /** Where the tensors are. */
  interface Tensors {
    Optional<SafetensorsEntry> find(String name);

    /** Fills {@code into} with the bytes of a tensor that is there from byte {@code from} on. */
    void read(String name, long from, MemorySegment into);
  }

  /** A parameter that is (in, out) in the file, as (out, in); kept until another is asked for. */
  private record Transposed(String name, MemorySegment floats, Arena arena) {}

  /**
   * @param prefix before all names
   */
  HubValues(Tensors tensors, String prefix) {
    this.tensors = tensors;
    this.prefix = prefix;
  }

  /** A tensor's whole name. */
  static String prefixed(String prefix, String name) {
    return name.equals(HEAD) ? name : prefix + name;
  }

  /** Fills {@code floats} with a parameter from element {@code first} on. */
  synchronized void read(HubFamily.Name name, long first, MemorySegment floats) {
    long count = floats.byteSize() / Float.BYTES;
    long at = 0;
    long begin = 0;
    for (HubFamily.Part part : name.theirs()) {
      long end = begin + part.elements();
      long n = Math.min(count - at, end - (first + at));
      if (n > 0) {
        read(part, first + at - begin, floats.asSlice(at * Float.BYTES, n * Float.BYTES));
        at += n;
      }
      begin = end;
    }
    floats.asSlice(at * Float.BYTES).fill((byte) 0);
  }

  private void read(HubFamily.Part part, long first, MemorySegment floats) {
    String tensor = prefixed(prefix, part.name());
    SafetensorsEntry entry = tensors.find(tensor).orElseThrow();
    if (part.transposed()) {
      MemorySegment whole = transposed(tensor, entry);
      floats.copyFrom(whole.asSlice(first * Float.BYTES, floats.byteSize()));
    } else {
      readFloats(tensor, entry, first, floats);
    }
  }

  private static FloatFormat format(SafetensorsEntry entry) {
    return FloatFormat.of(entry.type()).orElseThrow();
  }

  private void readFloats(String tensor, SafetensorsEntry entry, long first, MemorySegment into) {
    FloatFormat format = format(entry);
    long count = into.byteSize() / Float.BYTES;
    for (long done = 0; done < count; done += CHUNK) {
      int n = (int) Math.min(CHUNK, count - done);
      MemorySegment part = packed.asSlice(0, (long) n * format.bytes());
      tensors.read(tensor, (first + done) * format.bytes(), part);
      format.widen(part, into.asSlice(done * Float.BYTES, (long) n * Float.BYTES), n);
    }
  }

  private MemorySegment transposed(String tensor, SafetensorsEntry entry) {
    if (last.isPresent() && last.get().name().equals(tensor)) {
      return last.get().floats();
    }
    forget();
    Arena own = Arena.ofShared();
    long bytes = format(entry).elements(entry) * Float.BYTES;
    MemorySegment out = own.allocate(bytes, 64);
    try (Arena before = Arena.ofShared()) {
      MemorySegment in = before.allocate(bytes, 64);
      readFloats(tensor, entry, 0, in);
      Transposition.of(in, entry.shape().getFirst(), entry.shape().getLast(), out);
    }
    last = Optional.of(new Transposed(tensor, out, own));
    return out;
  }

  private void forget() {
    last.ifPresent(transposed -> transposed.arena().close());
    last = Optional.empty();
  }

  @Override
  public void close() {
    forget();
    arena.close();
  }
}
