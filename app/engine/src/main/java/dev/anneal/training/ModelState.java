package dev.anneal.training;

import static java.util.Objects.requireNonNull;

import dev.anneal.device.Device;
import dev.anneal.device.Memory;
import dev.anneal.plan.Arena;
import dev.anneal.plan.ArenaLayout;
import dev.anneal.plan.DType;
import dev.anneal.plan.Elements;
import dev.anneal.plan.Plan;
import dev.anneal.plan.Tensor;
import java.lang.foreign.MemorySegment;
import java.util.Map;

/**
 * What outlives a step on a device, as the host writes, reads and copies it. Parameters are fp32 to
 * whoever does, however they are stored.
 */
final class ModelState {
  private static final int CHUNK = 1 << 22;

  private final Device device;
  private final TrainingPlans plans;
  private final Map<Arena, Memory> memory;

  ModelState(Device device, TrainingPlans plans, Map<Arena, Memory> memory) {
    this.device = device;
    this.plans = plans;
    this.memory = memory;
  }

  private Memory memory(Arena arena) {
    return requireNonNull(memory.get(arena));
  }

  private Tensor stored(Tensor tensor) {
    return tensor.arena() == Arena.PARAMETERS ? plans.storage().precision().stored(tensor) : tensor;
  }

  /** Copies all of {@code from} into a tensor, at byte {@code offset} in it. */
  void write(Tensor tensor, long offset, MemorySegment from) {
    Tensor stored = stored(tensor);
    long at = plans.step().layout().offset(stored);
    if (stored.equals(tensor)) {
      device.copyIn(memory(tensor.arena()), at + offset, from);
      return;
    }
    try (var narrow = java.lang.foreign.Arena.ofConfined()) {
      long elements = from.byteSize() / Float.BYTES;
      MemorySegment part = narrow.allocate(elements * stored.dtype().bytes(), 64);
      for (long i = 0; i < elements; i++) {
        Elements.set(part, stored.dtype(), i, Elements.get(from, DType.F32, i));
      }
      device.copyIn(
          memory(tensor.arena()), at + offset / Float.BYTES * stored.dtype().bytes(), part);
    }
  }

  /** Fills {@code to} from a tensor, at byte {@code offset} in it. */
  void read(Tensor tensor, long offset, MemorySegment to) {
    Tensor stored = stored(tensor);
    if (stored.equals(tensor)) {
      read(plans.step(), tensor, offset, to);
      return;
    }
    try (var narrow = java.lang.foreign.Arena.ofConfined()) {
      long elements = to.byteSize() / Float.BYTES;
      MemorySegment part = narrow.allocate(elements * stored.dtype().bytes(), 64);
      read(plans.step(), stored, offset / Float.BYTES * stored.dtype().bytes(), part);
      for (long i = 0; i < elements; i++) {
        Elements.set(to, DType.F32, i, Elements.get(part, stored.dtype(), i));
      }
    }
  }

  /** Fills {@code to} from any tensor as {@code plan}, which ran last, left it. */
  void read(Plan plan, Tensor tensor, long offset, MemorySegment to) {
    device.copyOut(memory(tensor.arena()), plan.layout().offset(tensor) + offset, to);
  }

  /** Copies parameters and moments of the same model, which may be on another device. */
  void copy(ModelState from) {
    if (plans.storage().precision().parameters() == from.plans.storage().precision().parameters()) {
      copyArena(from, Arena.PARAMETERS);
    } else {
      copyParameters(from);
    }
    copyArena(from, Arena.OPTIMIZER);
  }

  private void copyArena(ModelState from, Arena which) {
    try (var arena = java.lang.foreign.Arena.ofConfined()) {
      MemorySegment chunk = arena.allocate(CHUNK, 64);
      long bytes = Math.min(memory(which).bytes(), from.memory(which).bytes());
      for (long at = 0; at < bytes; at += CHUNK) {
        MemorySegment part = chunk.asSlice(0, Math.min(CHUNK, bytes - at));
        from.device.copyOut(from.memory(which), at, part);
        device.copyIn(memory(which), at, part);
      }
    }
  }

  /** As fp32, one by one. */
  private void copyParameters(ModelState from) {
    try (var arena = java.lang.foreign.Arena.ofConfined()) {
      MemorySegment chunk = arena.allocate(CHUNK, 64);
      ArenaLayout parameters = requireNonNull(plans.step().layout().arenas().get(Arena.PARAMETERS));
      for (Tensor stored : parameters.offsets().keySet()) {
        Tensor tensor = stored.as(DType.F32);
        for (long at = 0; at < tensor.bytes(); at += CHUNK) {
          MemorySegment part = chunk.asSlice(0, Math.min(CHUNK, tensor.bytes() - at));
          from.read(tensor, at, part);
          write(tensor, at, part);
        }
      }
    }
  }
}
