package dev.anneal.gpu;

import dev.anneal.plan.DType;
import dev.anneal.plan.Multiplication;
import java.util.List;
import java.util.Optional;

/** One thing that the stream is told to do, as data: addresses and sizes are fixed. */
public sealed interface Command {

  /**
   * Runs a kernel.
   *
   * @param file the kernel file it is in
   * @param grid blocks
   * @param threads per block
   * @param sharedBytes beside what the kernel declares
   * @param real the format that the file is compiled for
   */
  record Launch(
      String file,
      String kernel,
      Grid grid,
      int threads,
      int sharedBytes,
      List<Argument> arguments,
      DType real)
      implements Command {
    public Launch {
      arguments = List.copyOf(arguments);
    }

    /** Of a file compiled for fp32; {@link OpCommands} says when it is another. */
    Launch(
        String file,
        String kernel,
        Grid grid,
        int threads,
        int sharedBytes,
        List<Argument> arguments) {
      this(file, kernel, grid, threads, sharedBytes, arguments, DType.F32);
    }

    Launch with(DType format) {
      return new Launch(file, kernel, grid, threads, sharedBytes, arguments, format);
    }

    static Launch of(String file, String kernel, Grid grid, int threads, Argument... arguments) {
      return new Launch(file, kernel, grid, threads, 0, List.of(arguments));
    }
  }

  /** Blocks in three directions. */
  record Grid(int x, int y, int z) {
    private static final int MOST_Y = 65535;

    public Grid {
      if (x < 1 || y < 1 || z < 1 || y > MOST_Y || z > MOST_Y) {
        throw new IllegalArgumentException("grid (" + x + ", " + y + ", " + z + ")");
      }
    }

    static Grid of(long x) {
      return new Grid(Math.toIntExact(x), 1, 1);
    }

    static Grid of(long x, long y) {
      return new Grid(Math.toIntExact(x), Math.toIntExact(y), 1);
    }

    /** Enough blocks of {@code threads} for one thread each of {@code n}. */
    static Grid covering(long n, int threads) {
      return of(Math.ceilDiv(n, threads));
    }
  }

  /** What a library does with a product before it writes it. */
  enum Epilogue {
    NONE,
    /** Adds a bias to every column. */
    BIAS,
    /** Adds a bias, writes that to an auxiliary matrix, and the GELU of it as the result. */
    BIAS_THEN_GELU,
    /** Multiplies with the slope of GELU at an auxiliary matrix. */
    GELU_GRADIENT,
    /** Writes the sums of op(B)'s columns, over k, as the bias. */
    BIAS_GRADIENT
  }

  /**
   * D (m,n) = op(A) (m,k) op(B) (k,n) + C, by a library, in its own order: columns one after the
   * other, as BLAS has them. A row-major matrix is its own transpose there.
   *
   * @param formats of the matrices
   * @param scales of operands of 8 bits
   * @param c the address of C, which may be D's; 0 where there is none
   * @param auxiliary of a GELU, of D's shape
   */
  record Product(
      boolean transposeA,
      boolean transposeB,
      int m,
      int n,
      int k,
      Formats formats,
      Optional<Scales> scales,
      long a,
      long b,
      long d,
      long c,
      Epilogue epilogue,
      long bias,
      long auxiliary,
      long workspace,
      long workspaceBytes)
      implements Command {

    /** Of operands that need no scales. */
    public Product(
        boolean transposeA,
        boolean transposeB,
        int m,
        int n,
        int k,
        Formats formats,
        long a,
        long b,
        long d,
        long c,
        Epilogue epilogue,
        long bias,
        long auxiliary,
        long workspace,
        long workspaceBytes) {
      this(
          transposeA,
          transposeB,
          m,
          n,
          k,
          formats,
          Optional.empty(),
          a,
          b,
          d,
          c,
          epilogue,
          bias,
          auxiliary,
          workspace,
          workspaceBytes);
    }

    Product with(Scales those) {
      return new Product(
          transposeA,
          transposeB,
          m,
          n,
          k,
          formats,
          Optional.of(those),
          a,
          b,
          d,
          c,
          epilogue,
          bias,
          auxiliary,
          workspace,
          workspaceBytes);
    }

    private Product with(
        long a,
        long b,
        long d,
        long c,
        Epilogue epilogue,
        long bias,
        long auxiliary,
        long workspace) {
      return new Product(
          transposeA,
          transposeB,
          m,
          n,
          k,
          formats,
          scales,
          a,
          b,
          d,
          c,
          epilogue,
          bias,
          auxiliary,
          workspace,
          workspaceBytes);
    }

    Product with(Epilogue other, long bias, long auxiliary) {
      return with(a, b, d, c, other, bias, auxiliary, workspace);
    }

    /** The same and a matrix at {@code address}. */
    Product plus(long address) {
      return with(a, b, d, address, epilogue, bias, auxiliary, workspace);
    }

    /** The same with scratch at {@code address}. */
    Product at(long address) {
      return with(a, b, d, c, epilogue, bias, auxiliary, address);
    }

    /** The same with all addresses being {@code address}. */
    public Product anywhere(long address) {
      return with(
          address, address, address, c == 0 ? 0 : address, epilogue, address, address, address);
    }
  }

  /**
   * Number formats of A, of B, and of C and D, which a bias and an auxiliary matrix share.
   *
   * @param multiplication of A and B in fp32
   */
  record Formats(DType a, DType b, DType d, Multiplication multiplication) {
    public Formats(DType ab, DType d, Multiplication multiplication) {
      this(ab, ab, d, multiplication);
    }

    /** Of both operands, where they are alike. */
    public DType ab() {
      if (a != b) {
        throw new IllegalStateException("a product of " + a + " and " + b);
      }
      return a;
    }
  }

  /**
   * What operands of 8 bits are multiplied with: the addresses of two floats.
   *
   * @param fast whether sums may have fewer bits
   */
  record Scales(long a, long b, boolean fast) {}

  /** Attention by a library. */
  sealed interface FusedAttention extends Command {
    AttentionLibrary.Shape shape();
  }

  /** out and logSumExp of qkv, as {@link dev.anneal.plan.Op.AttentionForward} has them. */
  record AttentionForward(
      AttentionLibrary.Shape shape, long out, long logSumExp, long qkv, long workspace)
      implements FusedAttention {}

  /** dQkv and delta, as {@link dev.anneal.plan.Op.AttentionBackward} has them. */
  record AttentionBackward(
      AttentionLibrary.Shape shape,
      AttentionLibrary.Gradient gradient,
      long dQkv,
      long delta,
      long dOut,
      long qkv,
      long out,
      long logSumExp,
      long workspace)
      implements FusedAttention {}

  /** Sets bytes to zero. */
  record Clear(long address, long bytes) implements Command {}
}
