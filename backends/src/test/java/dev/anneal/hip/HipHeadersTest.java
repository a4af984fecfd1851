package dev.anneal.hip;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.anneal.gpu.Bindings;
import dev.anneal.gpu.BlasLtFunction;
import dev.anneal.gpu.CFunction;
import dev.anneal.gpu.CompilerFunction;
import dev.anneal.gpu.HeaderConstant;
import dev.anneal.gpu.Headers;
import dev.anneal.gpu.TestDouble;
import java.lang.foreign.AddressLayout;
import java.lang.foreign.MemoryLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.api.parallel.ResourceLock;

/**
 * Every number and function of AMD's that is bound here: against the table of what AMD's headers
 * say, and the runtime's and hipRTC's against the header that a Debian package installs.
 */
@ResourceLock("double of HIP")
class HipHeadersTest {
  private static final Path INSTALLED = Path.of("/usr/include/hip/hip_runtime_api.h");
  private static final Headers TABLE = Headers.amd(TestDouble.directory());

  /** Numbers of this package that are nobody's but ours; a new one is named here, or a header's. */
  private static final List<String> OURS =
      List.of(
          "Architecture.NAME_BYTES",
          "Architecture.PROPERTIES_BYTES",
          "HipBlasLt.FIRST",
          "HipBlasLt.FIRST_WITH_GELU",
          "HipCompilerProcess.FIXED",
          "HipCompilerProcess.REFUSED",
          "HipDriver.LOCAL_BYTES",
          "HipLibrary.TRIED",
          "HipModule.MOST_THREADS",
          "HipRuntime.NAME_BYTES",
          "MatrixUnit.TILE");

  @Test
  void everyNumberIsInTheTable() throws Exception {
    List<HeaderConstant> bound = Bindings.of("hip").numbers();
    assertTrue(bound.size() > 30, bound::toString);
    for (HeaderConstant number : bound) {
      assertEquals(TABLE.numbers().get(number.name()), number.value(), number::name);
    }
  }

  @Test
  void noNumberIsWithoutAName() throws Exception {
    assertEquals(String.join("\n", OURS), String.join("\n", Bindings.of("hip").integers()));
  }

  @Test
  void hipBlasLtIsCalledAsTheTableDeclaresIt() throws Exception {
    List<CFunction> bound = new ArrayList<>();
    for (BlasLtFunction function : BlasLtFunction.values()) {
      bound.add(function.of("hipblasLt"));
    }
    Bindings.of("hip").functions().stream()
        .filter(function -> function.name().startsWith("hipblasLt"))
        .forEach(bound::add);
    for (CFunction function : bound) {
      assertTrue(
          TABLE.forms(function.name()).stream()
              .anyMatch(form -> Headers.fits(form, function.type())),
          () -> function + " is declared as " + TABLE.forms(function.name()));
    }
  }

  /** RCCL's functions are NCCL's, by their names. */
  @Test
  void rcclIsCalledAsNccl() throws Exception {
    Headers nccl = Headers.nvidia();
    List<CFunction> bound =
        Bindings.of("hip").functions().stream()
            .filter(function -> function.name().startsWith("nccl"))
            .toList();
    assertEquals(1, bound.size());
    assertTrue(
        nccl.forms(bound.getFirst().name()).stream()
            .anyMatch(form -> Headers.fits(form, bound.getFirst().type())));
  }

  /** A C++ compiler reads the header, and is asked to agree. */
  @Test
  void theInstalledHeaderSaysTheSame(@TempDir Path folder) throws Exception {
    assumeTrue(Files.exists(INSTALLED), "no " + INSTALLED + ": apt-get install libamdhip64-dev");
    StringBuilder text =
        new StringBuilder(
            """
            #define __HIP_PLATFORM_AMD__
            #include <hip/hip_runtime_api.h>
            #include <hip/hiprtc.h>
            #include <string_view>
            #include <type_traits>
            template <class T>
            constexpr char letter() {
              return std::is_pointer_v<T> ? 'p' : sizeof(T) == 8 ? 'l' : 'i';
            }
            template <class R, class... A>
            constexpr bool is(R (*)(A...), std::string_view form) {
              const char all[] = {letter<A>()..., letter<R>()};
              return form == std::string_view(all, sizeof all);
            }
            """);
    Bindings bound = Bindings.of("hip");
    List<HeaderConstant> numbers = new ArrayList<>();
    TABLE.numbers().forEach((name, value) -> numbers.add(new HeaderConstant(name, value)));
    for (HeaderConstant number : numbers) {
      if (number.name().startsWith("hip")) {
        text.append("static_assert(%s == %d);%n".formatted(number.name(), number.value()));
      }
    }
    List<CFunction> functions = new ArrayList<>(bound.functions());
    EnumSet.of(
            CompilerFunction.VERSION,
            CompilerFunction.CREATE_PROGRAM,
            CompilerFunction.COMPILE_PROGRAM,
            CompilerFunction.DESTROY_PROGRAM,
            CompilerFunction.GET_PROGRAM_LOG_SIZE,
            CompilerFunction.GET_PROGRAM_LOG,
            CompilerFunction.GET_CODE_SIZE,
            CompilerFunction.GET_CODE)
        .forEach(function -> functions.add(function.of("hiprtc")));
    functions.add(CompilerFunction.errorString("hiprtc"));
    for (CFunction function : functions) {
      // ROCm 6 added the one of another name; a handle is a long here and a pointer there.
      if (function.name().startsWith("hip")
          && !function.name().startsWith("hipblas")
          && !function.name().endsWith("R0600")) {
        text.append(
            handles(function).stream()
                .map(form -> "is(%s, \"%s\")".formatted(pointer(function.name()), form))
                .collect(Collectors.joining(" || ", "static_assert(", ");\n")));
      }
    }
    Path source = Files.writeString(folder.resolve("header.cpp"), text);
    assertEquals(
        List.of(), TestDouble.run(folder, "g++", "-std=c++17", "-fsyntax-only", source.toString()));
  }

  /** Of the one that is C, where the header has another for C++ as well. */
  private static String pointer(String function) {
    return switch (function) {
      case "hipMalloc" -> "static_cast<hipError_t (*)(void**, size_t)>(&hipMalloc)";
      case "hipHostMalloc" ->
          "static_cast<hipError_t (*)(void**, size_t, unsigned)>(&hipHostMalloc)";
      default -> "&" + function;
    };
  }

  /** The letters of a function's type, with each long as a long or as a pointer. */
  private static List<String> handles(CFunction function) {
    List<String> forms = List.of("");
    List<MemoryLayout> layouts = new ArrayList<>(function.type().argumentLayouts());
    layouts.add(function.type().returnLayout().orElseThrow());
    for (MemoryLayout layout : layouts) {
      List<String> letters =
          layout instanceof AddressLayout
              ? List.of("p")
              : layout.byteSize() == 8 ? List.of("l", "p") : List.of("i");
      forms = forms.stream().flatMap(f -> letters.stream().map(l -> f + l)).toList();
    }
    return forms;
  }
}
