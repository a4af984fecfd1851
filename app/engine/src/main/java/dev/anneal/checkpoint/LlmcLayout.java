package dev.anneal.checkpoint;

import dev.anneal.model.ModelConfig;
import dev.anneal.plan.Shape;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.SequencedMap;

/**
 * The order of GPT-2's parameters in llm.c's files. There a tensor holds all layers, e.g. {@code
 * qkvw} (L, 3C, C); here each layer's part is a parameter of its own, {@code
 * h.0.attn.c_attn.weight} (3C, C). Weights are (out, in).
 */
public final class LlmcLayout {

  /**
   * One layer's part of a tensor.
   *
   * @param tensor its name in llm.c
   * @param first its place in the file, counted in elements
   */
  public record Parameter(String name, String tensor, Shape shape, long first) {
    public long elements() {
      return shape.elements();
    }
  }

  private final SequencedMap<String, Parameter> parameters = new LinkedHashMap<>();
  private long elements;

  private LlmcLayout() {}

  /**
   * The layout for a model.
   *
   * @param paddedVocabulary Vp, the rows of the token embedding
   * @throws ArithmeticException when it has 2^63 elements or more
   */
  public static LlmcLayout of(ModelConfig config, int paddedVocabulary) {
    int c = config.channels();
    int layers = config.layers();
    LlmcLayout layout = new LlmcLayout();
    layout.add("wte.weight", "wte", Shape.of(paddedVocabulary, c));
    layout.add("wpe.weight", "wpe", Shape.of(config.context(), c));
    layout.stack(layers, "ln_1.weight", "ln1w", Shape.of(c));
    layout.stack(layers, "ln_1.bias", "ln1b", Shape.of(c));
    layout.stack(layers, "attn.c_attn.weight", "qkvw", Shape.of(Math.multiplyExact(3, c), c));
    layout.stack(layers, "attn.c_attn.bias", "qkvb", Shape.of(3 * c));
    layout.stack(layers, "attn.c_proj.weight", "attprojw", Shape.of(c, c));
    layout.stack(layers, "attn.c_proj.bias", "attprojb", Shape.of(c));
    layout.stack(layers, "ln_2.weight", "ln2w", Shape.of(c));
    layout.stack(layers, "ln_2.bias", "ln2b", Shape.of(c));
    layout.stack(layers, "mlp.c_fc.weight", "fcw", Shape.of(Math.multiplyExact(4, c), c));
    layout.stack(layers, "mlp.c_fc.bias", "fcb", Shape.of(4 * c));
    layout.stack(layers, "mlp.c_proj.weight", "fcprojw", Shape.of(c, 4 * c));
    layout.stack(layers, "mlp.c_proj.bias", "fcprojb", Shape.of(c));
    layout.add("ln_f.weight", "lnfw", Shape.of(c));
    layout.add("ln_f.bias", "lnfb", Shape.of(c));
    return layout;
  }

  private void stack(int layers, String name, String tensor, Shape shape) {
    for (int i = 0; i < layers; i++) {
      add("h." + i + "." + name, tensor, shape);
    }
  }

  private void add(String name, String tensor, Shape shape) {
    parameters.put(name, new Parameter(name, tensor, shape, elements));
    elements = Math.addExact(elements, shape.elements());
  }

  /**
   * Bytes of all parameters, without building a layout: safe for sizes that a file claims.
   *
   * @throws ArithmeticException when there are 2^63 or more
   */
  static long bytes(int layers, int context, int channels, int paddedVocabulary, int elementBytes) {
    long c = channels;
    long cc = Math.multiplyExact(c, c);
    long perLayer = Math.addExact(Math.multiplyExact(12, cc), 13 * c);
    long rows = (long) paddedVocabulary + context + 2;
    long all =
        Math.addExact(Math.multiplyExact(rows, c), Math.multiplyExact(perLayer, (long) layers));
    return Math.multiplyExact(all, (long) elementBytes);
  }

  /** In the file's order. */
  public List<Parameter> parameters() {
    return List.copyOf(parameters.values());
  }

  /** By llm.c's name, all layers of a tensor, in the file's order. */
  public SequencedMap<String, List<Parameter>> tensors() {
    SequencedMap<String, List<Parameter>> tensors = new LinkedHashMap<>();
    for (Parameter parameter : parameters.values()) {
      tensors.computeIfAbsent(parameter.tensor(), t -> new ArrayList<>()).add(parameter);
    }
    return Collections.unmodifiableSequencedMap(tensors);
  }

  public Parameter parameter(String name) {
    Parameter parameter = parameters.get(name);
    if (parameter == null) {
      throw new IllegalArgumentException("GPT-2 has no parameter " + name);
    }
    return parameter;
  }

  /** How many numbers all parameters have together. */
  public long elements() {
    return elements;
  }
}
