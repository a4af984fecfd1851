package dev.anneal.gpu;

import dev.anneal.device.KernelFamily;
import dev.anneal.failure.Failure;
import dev.anneal.gpu.MatrixKernels.LaterVersion;
import dev.anneal.plan.MuonOp;
import dev.anneal.plan.Op;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;

/** Which version of each kernel programs are compiled with. */
final class KernelVersions {
  private static final String PLAIN = "plain: one thread per element";
  private static final String PACKS = "128-bit packs";
  private static final String CONVERTED =
      "the hardware's exponential and rounding, where tensors are bf16";
  private static final String TRANSPOSED =
      "rows and columns exchanged in tiles of 32 x 32 in shared memory";
  private static final String DEEP = "tensor cores, tiles 64 deep and without padding";
  private static final String TENSOR_CORES = "tensor cores, where tensors are bf16";

  /** What follows those of {@link #OWN}, where a GPU has it. */
  private static final Map<LaterVersion, Map<String, String>> LATER =
      Map.of(
          LaterVersion.ATTENTION,
          Map.of(
              "attention_forward",
              "tensor cores by products of 32 x 32, keys and values loaded by turns",
              "attention_backward",
              "tensor cores by products of 32 x 32, all gradients in one sweep"),
          LaterVersion.PRODUCTS,
          Map.of(
              "matmul_forward", DEEP,
              "matmul_backward_input", DEEP,
              "matmul_backward_weight", DEEP));

  /** The versions that the kernel files have; their headers say more. */
  static final List<KernelFamily> OWN =
      List.of(
          family("add", Op.Add.class, PLAIN, PACKS),
          family("gelu_forward", Op.GeluForward.class, PLAIN, PACKS),
          family("gelu_backward", Op.GeluBackward.class, PLAIN, PACKS),
          family("embedding_forward", Op.EmbeddingForward.class, PLAIN, PACKS),
          family(
              "token_embedding_backward",
              Op.TokenEmbeddingBackward.class,
              "plain: one thread per channel walks through all tokens",
              "tokens in buckets, a warp per vocabulary row"),
          family("position_embedding_backward", Op.PositionEmbeddingBackward.class, PLAIN, PACKS),
          family(
              "layernorm_forward",
              Op.LayerNormForward.class,
              "plain: one thread per row",
              "one warp per row, sums by shuffles",
              "128-bit packs, the row kept in shared memory",
              "the sum before it, where there is one, in the same kernel"),
          family(
              "layernorm_backward",
              Op.LayerNormBackward.class,
              "plain: one thread per row, one per channel",
              "rows read once, channels' sums in registers",
              "the next row under way at the barrier"),
          family(
              "bias_backward",
              Op.BiasBackward.class,
              "plain: one thread per column",
              "128-bit packs, tiles of rows"),
          family(
              "matmul_forward",
              Op.MatmulForward.class,
              "plain: one thread per element",
              "128 x 128 tiles in shared memory, 8 x 8 in registers",
              "128-bit loads, the next tile loaded meanwhile",
              TENSOR_CORES),
          family(
              "matmul_backward_input",
              Op.MatmulBackwardInput.class,
              "plain: one thread per element",
              "128 x 128 tiles in shared memory, 8 x 8 in registers",
              "128-bit loads, the next tile loaded meanwhile",
              TENSOR_CORES),
          family(
              "matmul_backward_weight",
              Op.MatmulBackwardWeight.class,
              "plain: one thread per element",
              "128 x 128 tiles in shared memory, 8 x 8 in registers",
              "128-bit loads, the next tile loaded meanwhile, tokens split among blocks",
              TENSOR_CORES),
          family(
              "attention_forward",
              Op.AttentionForward.class,
              "plain: one thread per query",
              "tiles of queries and keys in shared memory",
              TENSOR_CORES + ", heads of 64 or 128"),
          family(
              "attention_backward",
              Op.AttentionBackward.class,
              "plain: one thread per query, then one per key",
              "tiles of queries and keys in shared memory",
              TENSOR_CORES + ", heads of 64 or 128"),
          family(
              "cached_attention",
              Op.CachedAttention.class,
              "plain: one thread per query and head",
              "a block per query and head"),
          family(
              "cross_entropy_forward",
              Op.CrossEntropyForward.class,
              "plain: one thread per row",
              "a block per row, one pass",
              CONVERTED + "; the row kept in shared memory where the gradient follows"),
          family("cross_entropy_backward", Op.CrossEntropyBackward.class, PLAIN, PACKS, CONVERTED),
          family(
              "global_norm",
              Op.GlobalNorm.class,
              "plain: one launch per gradient",
              "one launch for all, 128-bit packs"),
          family("adamw", Op.AdamW.class, PLAIN, PACKS, "one launch for all parameters"),
          family("cast", Op.Cast.class, PLAIN, PACKS),
          family("muon_momentum", MuonOp.MuonMomentum.class, PLAIN, PACKS),
          family("normalize", MuonOp.Normalize.class, PLAIN, TRANSPOSED),
          family("weighted_sum", MuonOp.WeightedSum.class, PLAIN, PACKS),
          family("muon_update", MuonOp.MuonUpdate.class, PLAIN, TRANSPOSED),
          family(
              "quantize",
              Op.Quantize.class,
              PLAIN,
              "tiles of 64 x 64, transposed on the way",
              "the hardware's rounding, 16 bytes per store; the largest found by the kernel"
                  + " before"),
          family("scaled_matmul", Op.ScaledMatmul.class, PLAIN));

  /**
   * The first version of the three products that is {@link MatrixLibrary}'s: nothing else. Where
   * there is a later own version, it and those that follow are one more.
   */
  static final int BY_LIBRARY = 5;

  /** From here on, the forward product with its bias. */
  static final int WITH_BIAS = 6;

  /** From here on, with the residual sum after it, too. */
  static final int WITH_RESIDUAL = 7;

  /** From here on, with the GELU after it, where there is one. */
  static final int WITH_GELU = 8;

  /** From here on, a product of the backward pass with the gradient after it. */
  static final int WITH_GRADIENT = 6;

  /** The same for products of 8 bits. */
  static final int SCALED_BY_LIBRARY = 2;

  /** The versions of attention's backward pass on tensor cores, and with a library's. */
  static final int ATTENTION_OWN = 3;

  static final int ATTENTION_SUMMED = 4;
  static final int ATTENTION_IN_PARTS = 5;
  static final int ATTENTION_FASTEST = 6;

  private final String backend;
  private final List<KernelFamily> families;
  private final Set<LaterVersion> later;
  private final boolean attentionLibrary;
  private final Map<String, Integer> chosen = new HashMap<>();

  /** Those that somebody chose; what is merely preferred does not change them. */
  private final Set<String> fixed = new HashSet<>();

  /** Versions that the driver does not take, by the names of their families. */
  private final Map<String, Set<Integer>> refused = new HashMap<>();

  /** What was stepped down from, a line each. */
  private final List<String> notes = new ArrayList<>();

  /**
   * The last version of each.
   *
   * @param backend for messages
   * @param library the name of the library that multiplies matrices, where there is one
   * @param attention the name of the library that does attention, where there is one
   * @param later versions that the GPU has beside those of {@link #OWN}
   */
  KernelVersions(
      String backend,
      Optional<String> library,
      Optional<String> attention,
      Set<LaterVersion> later) {
    this.backend = backend;
    this.later = Set.copyOf(later);
    attentionLibrary = attention.isPresent();
    families =
        OWN.stream()
            .map(family -> withLater(family, later))
            .map(
                family -> {
                  Optional<String> by =
                      family.name().contains("matmul")
                          ? library
                          : family.name().startsWith("attention_") ? attention : Optional.empty();
                  return by.map(name -> with(family, byLibrary(family, name))).orElse(family);
                })
            .toList();
    families.forEach(family -> chosen.put(family.name(), family.versions()));
  }

  /** The same without a library that does attention. */
  KernelVersions(String backend, Optional<String> library) {
    this(backend, library, Optional.empty(), Set.of());
  }

  /** What a library can do at once is a version each, so that own kernels can do it, too. */
  private static List<String> byLibrary(KernelFamily family, String name) {
    return switch (family.name()) {
      case "matmul_forward" ->
          List.of(
              name + ", products alone where they are fp32",
              name + ", with the bias",
              name + ", with bias and residual",
              name);
      case "matmul_backward_input", "matmul_backward_weight" ->
          List.of(name + ", products alone", name);
      case "attention_backward" ->
          List.of(
              name + ", summed: blocks of keys add up the queries' gradients",
              name + " in parts of the batch: the scores' gradients in scratch",
              "the fastest of v3 to v5 whose bits may be used, tried once per shape");
      default -> List.of(name);
    };
  }

  private static KernelFamily withLater(KernelFamily family, Set<LaterVersion> later) {
    return LATER.entrySet().stream()
        .filter(each -> later.contains(each.getKey()))
        .flatMap(each -> Optional.ofNullable(each.getValue().get(family.name())).stream())
        .findFirst()
        .map(idea -> with(family, List.of(idea)))
        .orElse(family);
  }

  private static KernelFamily with(KernelFamily family, List<String> more) {
    List<String> ideas = new ArrayList<>(family.ideas());
    ideas.addAll(more);
    return new KernelFamily(family.name(), family.op(), ideas);
  }

  List<KernelFamily> families() {
    return families;
  }

  private static KernelFamily family(String name, Class<? extends Op> op, String... ideas) {
    return new KernelFamily(name, op, List.of(ideas));
  }

  int of(String kernel) {
    Integer version = chosen.get(kernel);
    if (version == null) {
      throw new IllegalArgumentException("no kernel is named " + kernel);
    }
    int taken = version;
    while (refused.getOrDefault(kernel, Set.of()).contains(taken)) {
      taken--;
    }
    return taken;
  }

  /**
   * Goes on with the version before, since the driver does not take this one.
   *
   * @param kernel that it does not take, as it is named in its file
   * @throws Failure the one given, when somebody chose this version, or there is none before it
   */
  void stepDown(String kernel, Failure why) {
    String name = kernel.startsWith("attention_delta") ? "attention_backward" : kernel;
    KernelFamily family =
        families.stream()
            .filter(each -> name.startsWith(each.name()))
            .filter(each -> of(each.name()) > 1 && !fixed.contains(each.name()))
            .findFirst()
            .orElseThrow(() -> why);
    int version = of(family.name());
    refused.computeIfAbsent(family.name(), any -> new HashSet<>()).add(version);
    notes.add(
        "the driver does not take "
            + kernel
            + " ("
            + why.getMessage()
            + "), so "
            + family.name()
            + " runs as v"
            + of(family.name())
            + " in place of v"
            + version);
  }

  /** What was stepped down from so far, a line each. */
  List<String> notes() {
    return List.copyOf(notes);
  }

  /**
   * How much of one of the three products the library is to do, by {@link #BY_LIBRARY} and those
   * after it, whose numbers are larger by one where there is a later own version.
   */
  int byMatrixLibrary(String kernel) {
    return of(kernel) - (later.contains(LaterVersion.PRODUCTS) ? 1 : 0);
  }

  /** Whether the chosen version of {@code kernel}, one of attention's, is the library's. */
  boolean byAttentionLibrary(String kernel) {
    return attentionLibrary
        && families.stream().anyMatch(f -> f.name().equals(kernel) && f.versions() == of(kernel));
  }

  Map<String, Integer> all() {
    Map<String, Integer> all = new TreeMap<>();
    chosen.keySet().forEach(kernel -> all.put(kernel, of(kernel)));
    return all;
  }

  /**
   * Chooses some; the others stay. Changes nothing when one of them is wrong.
   *
   * @throws Failure when there is no such kernel or version
   */
  void choose(Map<String, Integer> versions) {
    versions.forEach(
        (name, version) -> {
          KernelFamily family =
              families.stream()
                  .filter(f -> f.name().equals(name))
                  .findFirst()
                  .orElseThrow(
                      () ->
                          Failure.usage(
                              "kernel "
                                  + name
                                  + ": "
                                  + backend
                                  + " has no such kernel; there are "
                                  + families.stream()
                                      .map(KernelFamily::name)
                                      .collect(Collectors.joining(", "))));
          if (version < 1 || version > family.versions()) {
            throw Failure.usage(
                "kernel "
                    + name
                    + "="
                    + version
                    + ": there are versions 1 to "
                    + family.versions());
          }
        });
    chosen.putAll(versions);
    fixed.addAll(versions.keySet());
  }

  /** Prefers these where nobody chose, and the last version of all others. */
  void prefer(Map<String, Integer> versions) {
    for (KernelFamily family : families) {
      if (!fixed.contains(family.name())) {
        int wanted = versions.getOrDefault(family.name(), family.versions());
        boolean exists = wanted >= 1 && wanted <= family.versions();
        chosen.put(family.name(), exists ? wanted : family.versions());
      }
    }
  }
}
