package dev.anneal.gpu;

import dev.anneal.device.Device;
import dev.anneal.ops.FusedOps;
import dev.anneal.ops.OpCases;
import dev.anneal.ops.OpRun;
import dev.anneal.ops.OpVersions;
import dev.anneal.ops.TileEdges;
import dev.anneal.plan.DType;
import dev.anneal.plan.Op;
import dev.anneal.plan.Precision;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;

/** Shapes at the edges of the GPUs' own tiles, and ops that they run together. */
public final class GpuCases {
  /** Those of which every op's results are written, so that each is held as if alone. */
  private static final Set<String> OP_BY_OP =
      Set.of("bias_gelu_product", "sum_layernorm", "all_norms", "all_updates");

  private GpuCases() {}

  /** Ops that have anything in 16 bits, but for those of decoding, which is in fp32. */
  public static Stream<OpRun> sixteenBits() {
    Stream<OpRun> withMasters =
        Stream.concat(OpCases.small(), all())
            .filter(run -> !(run.op() instanceof Op.CachedAttention))
            .filter(run -> !(run.op() instanceof Op.EightBit))
            .map(run -> run.copied(DType.BF16).stored(Precision.BF16));
    Stream<OpRun> without =
        Stream.concat(OpCases.small(), all())
            .filter(
                run ->
                    run.op() instanceof Op.CachedAttention
                        || run.op() instanceof Op.ParameterUpdate)
            .map(run -> run.stored(Precision.PURE_BF16));
    Stream<OpRun> quantized = eightBits().filter(run -> run.op() instanceof Op.Quantize);
    return Stream.of(withMasters, without, quantized, Followers.quantized())
        .flatMap(runs -> runs)
        .filter(
            run ->
                run.ops().stream()
                    .flatMap(op -> op.tensors().stream())
                    .anyMatch(tensor -> tensor.dtype() == DType.BF16));
  }

  /** Products of 8 bits among bf16, and what makes their operands. */
  public static Stream<OpRun> eightBits() {
    return eightBits(DType.F8E4M3, DType.F8E5M2);
  }

  /** The same in other formats. */
  public static Stream<OpRun> eightBits(DType e4m3, DType e5m2) {
    return OpCases.all()
        .filter(run -> run.op() instanceof Op.EightBit)
        .map(run -> run.eightBits(e4m3, e5m2).copied(DType.BF16).stored(Precision.FP8));
  }

  /** Each version of the op's kernel; one empty choice when it has one only. */
  public static List<Map<String, Integer>> versions(Op op, Device device) {
    List<Map<String, Integer>> choices =
        device.kernels().stream()
            .flatMap(
                family -> OpVersions.of(family, op).stream().map(v -> Map.of(family.name(), v)))
            .toList();
    return choices.isEmpty() ? List.of(Map.of()) : choices;
  }

  public static Stream<OpRun> all() {
    return Stream.concat(
        Stream.concat(TileEdges.all(), Followers.gradients()),
        FusedOps.all().filter(f -> OP_BY_OP.contains(f.name())).map(FusedOps.Fused::run));
  }
}
