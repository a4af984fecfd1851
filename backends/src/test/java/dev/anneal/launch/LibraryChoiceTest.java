package dev.anneal.launch;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.anneal.launch.Product.Epilogue;
import dev.anneal.plan.Arena;
import dev.anneal.plan.DType;
import dev.anneal.plan.Multiplication;
import dev.anneal.plan.Op;
import dev.anneal.plan.Shape;
import dev.anneal.plan.Tensor;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/** What a library of matrices is asked to do at once, and what not. */
class LibraryChoiceTest {

  /** A library that does all products, and some epilogues. */
  private record Library(List<Epilogue> epilogues) implements ProductSupport {
    @Override
    public String name() {
      return "a library";
    }

    @Override
    public boolean does(Product product) {
      return product.epilogue() == Epilogue.NONE || epilogues.contains(product.epilogue());
    }
  }

  private static Tensor tensor(String name, int... dims) {
    return new Tensor(name, DType.F32, Shape.of(dims), Arena.INPUTS);
  }

  private static final Tensor DOUT = tensor("dOut", 1, 6, 16);
  private static final Tensor IN = tensor("in", 1, 6, 8);

  /** Each op's commands, tensors lying one after the other by name. */
  private static List<List<Command>> commands(List<Op> ops, Epilogue... does) {
    Hardware hardware = new Hardware(32, 48 << 10, 99 << 10);
    CudaContext context =
        new CudaContext(
                tensor -> 4096L * (1 + tensor.name().hashCode() % 1000),
                new KernelVersions(
                    new CudaMachine("cuda", hardware, Optional.of("a library"), Optional.empty()),
                    Language.CUDA),
                hardware,
                Multiplication.EXACT)
            .with(new Library(List.of(does)));
    return OpLaunches.of(ops, context);
  }

  private static Epilogue epilogue(List<Command> commands) {
    return ((Product) commands.getFirst()).epilogue();
  }

  private static List<Op> weightAndBias(boolean weight, boolean bias) {
    return List.of(
        new Op.MatmulBackwardWeight(tensor("dWeight", 16, 8), DOUT, IN, weight),
        new Op.BiasBackward(tensor("dBias", 16), DOUT, bias));
  }

  @Test
  void sumsForABiasOnlyWhereNothingIsAccumulated() {
    List<List<Command>> both = commands(weightAndBias(false, false), Epilogue.BIAS_GRADIENT);
    assertEquals(Epilogue.BIAS_GRADIENT, epilogue(both.get(0)));
    assertTrue(both.get(1).isEmpty());
    for (List<List<Command>> apart :
        List.of(
            commands(weightAndBias(true, true), Epilogue.BIAS_GRADIENT),
            commands(weightAndBias(false, true), Epilogue.BIAS_GRADIENT),
            commands(weightAndBias(true, false), Epilogue.BIAS_GRADIENT),
            commands(weightAndBias(false, false)))) {
      assertEquals(Epilogue.NONE, epilogue(apart.get(0)));
      assertEquals(2, apart.get(1).size());
    }
  }

  @Test
  void goesThroughGeluWhereTheLibraryDoes() {
    Tensor dGelu = tensor("dGelu", 1, 6, 8);
    List<Op> ops =
        List.of(
            new Op.MatmulBackwardInput(dGelu, DOUT, tensor("weight", 16, 8)),
            new Op.GeluBackward(tensor("dHidden", 1, 6, 8), dGelu, tensor("hidden", 1, 6, 8)));
    List<List<Command>> both = commands(ops, Epilogue.GELU_GRADIENT);
    assertEquals(Epilogue.GELU_GRADIENT, epilogue(both.get(0)));
    assertTrue(both.get(1).isEmpty());
    List<List<Command>> apart = commands(ops);
    assertEquals(Epilogue.NONE, epilogue(apart.get(0)));
    assertEquals(1, apart.get(1).size());
  }
}
