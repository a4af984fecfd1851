package dev.anneal.gpu;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.lang.classfile.Attributes;
import java.lang.classfile.ClassFile;
import java.lang.classfile.ClassModel;
import java.lang.constant.ClassDesc;
import java.lang.foreign.AddressLayout;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.MemoryLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * What vendors' headers say, from sources that nobody here wrote: NVIDIA's from the classes that
 * bytedeco generated of its headers (read as files, since they want native libraries when they are
 * initialised), AMD's from a table of what was read in them.
 */
public final class Headers {
  private static final List<String> NVIDIA = List.of("cudart", "cudnn", "cublas", "nvrtc", "nccl");
  private static final String TABLE = "amd-numbers.tsv";

  private final Map<String, Integer> numbers = new TreeMap<>();

  /** Parameters of each function in letters, and what it returns, of every way to call it. */
  private final Map<String, List<String>> functions = new TreeMap<>();

  private Headers() {}

  /** NVIDIA's. */
  public static Headers nvidia() {
    Headers headers = new Headers();
    NVIDIA.forEach(name -> headers.read("/org/bytedeco/cuda/global/" + name + ".class"));
    return headers;
  }

  /** The numbers of any class file's constants. */
  public static Map<String, Integer> constants(String resource) {
    Headers headers = new Headers();
    headers.read(resource);
    return headers.numbers;
  }

  /** AMD's: of the table in {@code folder}. */
  public static Headers amd(Path folder) {
    Headers headers = new Headers();
    try (Stream<String> lines = Files.lines(folder.resolve(TABLE))) {
      lines
          .filter(line -> !line.startsWith("#"))
          .map(line -> line.split("\t"))
          .forEach(
              row -> {
                if (row[0].endsWith("()")) {
                  String name = row[0].substring(0, row[0].length() - 2);
                  headers.functions.put(name, List.of(row[1] + "i"));
                } else {
                  headers.numbers.put(row[0], Integer.valueOf(row[1]));
                }
              });
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return headers;
  }

  private void read(String resource) {
    ClassModel model;
    try (InputStream in = Headers.class.getResourceAsStream(resource)) {
      model = ClassFile.of().parse(in.readAllBytes());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    model
        .fields()
        .forEach(
            field ->
                field
                    .findAttribute(Attributes.constantValue())
                    .filter(value -> value.constant().constantValue() instanceof Integer)
                    .ifPresent(
                        value ->
                            numbers.put(
                                field.fieldName().stringValue(),
                                (Integer) value.constant().constantValue())));
    model
        .methods()
        .forEach(
            method ->
                functions.merge(
                    method.methodName().stringValue(),
                    List.of(
                        letters(method.methodTypeSymbol().parameterList())
                            + letter(method.methodTypeSymbol().returnType())),
                    (a, b) -> Stream.concat(a.stream(), b.stream()).toList()));
  }

  public Map<String, Integer> numbers() {
    return numbers;
  }

  /** Whether there is a function of this name. */
  public boolean has(String function) {
    return functions.containsKey(function);
  }

  /** What {@code function} is called with, in all ways that the header's declaration can be. */
  public List<String> forms(String function) {
    return functions.getOrDefault(function, List.of());
  }

  /** Whether a header's function, in letters, is what a binding calls. */
  public static boolean fits(String form, FunctionDescriptor type) {
    String ours =
        type.argumentLayouts().stream().map(Headers::letter).collect(Collectors.joining())
            + type.returnLayout().map(Headers::letter).orElse("v");
    if (ours.length() != form.length()) {
      return false;
    }
    for (int i = 0; i < ours.length(); i++) {
      // Handles and device addresses are longs here.
      boolean handle = form.charAt(i) == 'p' && ours.charAt(i) == 'l';
      if (ours.charAt(i) != form.charAt(i) && !handle) {
        return false;
      }
    }
    return true;
  }

  private static String letters(Collection<ClassDesc> types) {
    return types.stream().map(Headers::letter).collect(Collectors.joining());
  }

  private static String letter(ClassDesc type) {
    return switch (type.descriptorString()) {
      case "I" -> "i";
      case "J" -> "l";
      case "V" -> "v";
      default -> "p";
    };
  }

  private static String letter(MemoryLayout layout) {
    return layout instanceof AddressLayout ? "p" : layout.byteSize() == 8 ? "l" : "i";
  }

  /** A C++ header with those of all numbers that {@code sources} name. */
  static String cpp(Collection<Path> sources, Headers... all) throws IOException {
    StringBuilder text = new StringBuilder("#pragma once\n");
    String used = "";
    for (Path source : sources) {
      used += Files.readString(source);
    }
    for (Headers headers : all) {
      for (Map.Entry<String, Integer> number : headers.numbers.entrySet()) {
        if (used.contains(number.getKey())) {
          text.append("constexpr int %s = %d;\n".formatted(number.getKey(), number.getValue()));
        }
      }
    }
    return text.toString();
  }
}
