package dev.anneal.launch;

import static dev.anneal.launch.Argument.f32;
import static dev.anneal.launch.Argument.i32;
import static dev.anneal.launch.Place.activations;
import static dev.anneal.launch.Place.data;

import dev.anneal.device.Suits;
import dev.anneal.launch.Attention.Sizes;
import dev.anneal.plan.Op;
import java.util.List;
import java.util.Optional;

/** Attention to what was kept of earlier tokens: cached_attention.cu, attention.cl. */
final class CachedAttention {
  private static final KernelFile CUDA = KernelFile.of("cached_attention.cu");
  private static final int APPEND_THREADS = 256;
  private static final int THREADS = 128;

  /** Room for what the kernel declares of shared memory. */
  private static final int DECLARED_BYTES = 1024;

  static final Kernel<Op.CachedAttention> KERNEL =
      new Kernel<>(
          "cached_attention",
          Op.CachedAttention.class,
          List.of(
              Version.of("plain: one thread per query and head", CachedAttention::plain),
              Version.possibly(
                  "a block per query and head", Suits.ALL, CachedAttention::blockPerQuery)),
          List.of(Version.of("one work-item per query and head", CachedAttention::items)));

  private CachedAttention() {}

  private static Sizes sizes(Op.CachedAttention op) {
    return Sizes.of(op.out().shape(), op.heads());
  }

  private static int room(Op.CachedAttention op) {
    return op.keyCache().shape().dim(1);
  }

  private static Launch append(Op.CachedAttention op) {
    Sizes s = sizes(op);
    return Launch.of(
        CUDA,
        "cache_append_v1",
        Grid.covering((long) s.batch() * s.t() * s.channels(), APPEND_THREADS),
        data(op.keyCache()),
        data(op.valueCache()),
        data(op.qkv()),
        data(op.position()),
        i32(s.batch()),
        i32(s.t()),
        i32(room(op)),
        i32(s.channels()));
  }

  private static List<Command> plain(Op.CachedAttention op, CudaContext context) {
    Sizes s = sizes(op);
    return List.of(
        append(op),
        Launch.of(
            CUDA,
            "cached_attention_v1",
            Grid.covering(s.queries(), THREADS),
            data(op.out()),
            data(op.keyCache()),
            data(op.valueCache()),
            data(op.qkv()),
            data(op.position()),
            i32(s.batch()),
            i32(s.t()),
            i32(room(op)),
            i32(s.heads()),
            i32(s.headSize())));
  }

  /** Where a block has room for all scores of a query. */
  private static Optional<List<Command>> blockPerQuery(Op.CachedAttention op, CudaContext context) {
    Sizes s = sizes(op);
    long scores = 4L * room(op);
    if (scores > context.hardware().sharedOptInBytes() - DECLARED_BYTES) {
      return Optional.empty();
    }
    return Optional.of(
        List.of(
            append(op),
            Launch.of(
                    CUDA,
                    "cached_attention_v2",
                    Grid.of(s.queries()),
                    THREADS,
                    data(op.out()),
                    data(op.keyCache()),
                    data(op.valueCache()),
                    data(op.qkv()),
                    data(op.position()),
                    i32(s.t()),
                    i32(room(op)),
                    i32(s.heads()),
                    i32(s.headSize()))
                .sharing((int) scores)));
  }

  private static List<Command> items(Op.CachedAttention op, OpenClContext context) {
    Sizes s = sizes(op);
    KernelFile file = KernelFile.of("attention").ofHeads(s.headSize());
    return List.of(
        Launch.of(
            file,
            "append_to_caches_v1",
            context.items(s.channels(), (long) s.batch() * s.t()),
            data(op.keyCache()),
            data(op.valueCache()),
            activations(op.qkv()),
            data(op.position()),
            i32(s.t()),
            i32(room(op)),
            i32(s.channels())),
        Launch.of(
            file,
            "cached_attention_v1",
            context.items(s.queries()),
            activations(op.out()),
            data(op.keyCache()),
            data(op.valueCache()),
            activations(op.qkv()),
            data(op.position()),
            i32(s.batch()),
            i32(s.t()),
            i32(room(op)),
            i32(s.heads()),
            f32(s.scale())));
  }
}
