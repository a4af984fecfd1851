package dev.anneal.checkpoint;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.anneal.checkpoint.Safetensors.Content;
import dev.anneal.failure.Failure;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class SafetensorsTest {
  private static final String A = "'a':{'dtype':'F32','shape':[2],'data_offsets':[0,8]}";

  @TempDir Path directory;

  /** A file with this header, ' standing for ", and so many bytes of data. */
  private Path file(String header, int data) throws IOException {
    return file(header.replace('\'', '"').getBytes(StandardCharsets.UTF_8), data);
  }

  private Path file(byte[] header, int data) throws IOException {
    ByteBuffer bytes = ByteBuffer.allocate(8 + header.length + data).order(ByteOrder.LITTLE_ENDIAN);
    bytes.putLong(header.length).put(header);
    return Files.write(directory.resolve("f.safetensors"), bytes.array());
  }

  private Path raw(long length, int more) throws IOException {
    ByteBuffer bytes = ByteBuffer.allocate(8 + more).order(ByteOrder.LITTLE_ENDIAN);
    return Files.write(directory.resolve("f.safetensors"), bytes.putLong(length).array());
  }

  private static String refusal(Path file) {
    String message = assertThrows(Failure.class, () -> Safetensors.open(file).close()).getMessage();
    assertTrue(message.startsWith(file.toString()), message);
    assertTrue(message.length() < 600, message);
    assertFalse(message.chars().anyMatch(Character::isISOControl), message);
    return message;
  }

  private static Content content(String name, SafetensorsType type, long... shape) {
    return new Content(
        name,
        type,
        Arrays.stream(shape).boxed().toList(),
        (from, chunk) -> {
          for (long i = 0; i < chunk.byteSize(); i++) {
            chunk.set(ValueLayout.JAVA_BYTE, i, (byte) ((from + i) * 31 + name.length()));
          }
        });
  }

  @Test
  void whatIsWrittenIsRead() throws IOException {
    List<Content> contents =
        List.of(
            content("h.0.weight", SafetensorsType.F32, 3, 5),
            content("scalar", SafetensorsType.F64),
            content("none", SafetensorsType.BF16, 4, 0, 2),
            content("odd", SafetensorsType.U8, 7),
            // More than one chunk of the writer's and the reader's.
            content("large \"é\\", SafetensorsType.F32, 1_100_000));
    Path path = directory.resolve("out.safetensors");
    FileWriter writer = Safetensors.writer(Map.of("format", "pt", "k", "\n"), contents);
    DurableFile.write(path, writer);
    assertEquals(writer.bytes(), Files.size(path));
    try (Safetensors file = Safetensors.open(path)) {
      assertEquals(Map.of("format", "pt", "k", "\n"), file.metadata());
      assertEquals(
          contents.stream().map(Content::name).toList(), List.copyOf(file.tensors().keySet()));
      for (Content content : contents) {
        SafetensorsEntry entry = file.require(content.name(), content.type(), content.shape());
        byte[] expected = new byte[(int) entry.bytes()];
        content.source().read(0, MemorySegment.ofArray(expected));
        byte[] actual = new byte[expected.length];
        file.read(entry, 0, MemorySegment.ofArray(actual));
        assertArrayEquals(expected, actual);
      }
      SafetensorsEntry odd = file.tensors().get("odd");
      byte[] end = new byte[2];
      file.read(odd, 5, MemorySegment.ofArray(end));
      assertEquals((byte) (5 * 31 + 3), end[0]);
      assertThrows(
          IndexOutOfBoundsException.class, () -> file.read(odd, 6, MemorySegment.ofArray(end)));
      assertThrows(
          IndexOutOfBoundsException.class, () -> file.read(odd, -1, MemorySegment.ofArray(end)));
    }
    byte[] bytes = Files.readAllBytes(path);
    long header = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).getLong();
    assertEquals(0, header % 8);
  }

  @Test
  void anotherTypeOrShapeIsNotTaken() throws IOException {
    try (Safetensors file = Safetensors.open(file("{" + A + "}", 8))) {
      assertEquals(8, file.require("a", SafetensorsType.F32, List.of(2L)).bytes());
      for (Failure e :
          List.of(
              assertThrows(
                  Failure.class, () -> file.require("a", SafetensorsType.I32, List.of(2L))),
              assertThrows(
                  Failure.class, () -> file.require("a", SafetensorsType.F32, List.of(1L, 2L))))) {
        assertTrue(e.getMessage().contains("expected"), e.getMessage());
      }
      Failure e =
          assertThrows(Failure.class, () -> file.require("b", SafetensorsType.F32, List.of(2L)));
      assertTrue(e.getMessage().contains("no tensor b"), e.getMessage());
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{}",
        "{}      ",
        "{'__metadata__':{}}",
        "{'x/../../y':{'dtype':'F4','shape':[2,0],'data_offsets':[0,0]}}",
        "{'é':{'shape':[],'data_offsets':[0,0],'dtype':'BOOL','shape2':0}}"
      })
  void oddButHarmlessOrNot(String header) throws IOException {
    Path path = file(header, 0);
    if (header.contains("shape2")) {
      assertTrue(refusal(path).contains("unknown field shape2"));
    } else {
      Safetensors.open(path).close();
    }
  }

  @Test
  void lengths() throws IOException {
    assertTrue(refusal(Files.write(directory.resolve("e"), new byte[0])).contains("0 bytes"));
    assertTrue(refusal(Files.write(directory.resolve("e"), new byte[7])).contains("7 bytes"));
    assertTrue(refusal(raw(2, 0)).contains("goes beyond its end"));
    assertTrue(refusal(raw(100, 20)).contains("goes beyond its end"));
    assertTrue(refusal(raw(0, 4)).contains("length is 0"));
    assertTrue(refusal(raw(Long.MIN_VALUE, 4)).contains("9223372036854775808"));
    assertTrue(refusal(raw(-1, 4)).contains("18446744073709551615"));
    assertTrue(refusal(raw(100_000_001, 4)).contains("100000001"));
    assertTrue(refusal(raw(100_000_000, 4)).contains("goes beyond its end"));
    Path cut = file("{" + A + "}", 7);
    assertTrue(refusal(cut).contains("its tensors take 8 bytes, but 7 follow"));
    assertTrue(refusal(file("{" + A + "}", 9)).contains("9 follow"));
    assertTrue(refusal(file("{}", 1)).contains("1 follow"));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "[]",
        "null",
        "''",
        "{",
        "{'a'",
        "{'a':}",
        "{" + A,
        " {}",
        "\ufeff{}",
        "{}\u0000\u0000",
        "{}x",
        "{}\n",
        "{} {}",
        "{}}",
        "{'a':1}",
        "{'a':[]}",
        "{'a':null}",
        "{,}",
        "{" + A + ",}",
        "{" + A + "," + A + "}",
        "{'a':{'dtype':'F3','shape':[2],'data_offsets':[0,8]}," + A + "}",
        "{'a':{'dtype':'F32','dtype':'F32','shape':[2],'data_offsets':[0,8]}}",
        "{'__metadata__':{'a':1}}",
        "{'__metadata__':{'a':{}}}",
        "{'__metadata__':[]}",
        "{'__metadata__':{'a':'b','a':'b'}}",
        "{'__metadata__':{},'__metadata__':{}}",
        "{'a':{'shape':[2],'data_offsets':[0,8]}}",
        "{'a':{'dtype':'F32','data_offsets':[0,8]}}",
        "{'a':{'dtype':'F32','shape':[2]}}",
        "{'a':{}}",
        "{'a':{'dtype':'f32','shape':[2],'data_offsets':[0,8]}}",
        "{'a':{'dtype':'FLOAT','shape':[2],'data_offsets':[0,8]}}",
        "{'a':{'dtype':1,'shape':[2],'data_offsets':[0,8]}}",
        "{'a':{'dtype':'F32','shape':2,'data_offsets':[0,8]}}",
        "{'a':{'dtype':'F32','shape':[-2],'data_offsets':[0,8]}}",
        "{'a':{'dtype':'F32','shape':[2.0],'data_offsets':[0,8]}}",
        "{'a':{'dtype':'F32','shape':['2'],'data_offsets':[0,8]}}",
        "{'a':{'dtype':'F32','shape':[1e30],'data_offsets':[0,8]}}",
        "{'a':{'dtype':'F32','shape':[NaN],'data_offsets':[0,8]}}",
        "{'a':{'dtype':'F32','shape':[[2]],'data_offsets':[0,8]}}",
        "{'a':{'dtype':'F32','shape':[4294967296,4294967296],'data_offsets':[0,8]}}",
        "{'a':{'dtype':'F32','shape':[9223372036854775808,0],'data_offsets':[0,0]}}",
        "{'a':{'dtype':'F32','shape':[99999999999999999999999999],'data_offsets':[0,8]}}",
        "{'a':{'dtype':'F32','shape':[2305843009213693952],'data_offsets':[0,8]}}",
        "{'a':{'dtype':'F4','shape':[3],'data_offsets':[0,1]}}",
        "{'a':{'dtype':'F32','shape':[2],'data_offsets':[8,0]}}",
        "{'a':{'dtype':'F32','shape':[2],'data_offsets':[-8,0]}}",
        "{'a':{'dtype':'F32','shape':[2],'data_offsets':[0,8,16]}}",
        "{'a':{'dtype':'F32','shape':[2],'data_offsets':[8]}}",
        "{'a':{'dtype':'F32','shape':[2],'data_offsets':[0,4]}}",
        "{'a':{'dtype':'F32','shape':[1],'data_offsets':[4,8]}}",
        "{" + A + ",'b':{'dtype':'U8','shape':[1],'data_offsets':[9,10]}}",
        "{" + A + ",'b':{'dtype':'U8','shape':[1],'data_offsets':[7,8]}}",
        "{" + A + ",'b':{'dtype':'F32','shape':[2],'data_offsets':[0,8]}}",
        "{" + A + ",'b':{'dtype':'U8','shape':[0],'data_offsets':[4,4]}}",
        "{'':{'dtype':'F32','shape':[2],'data_offsets':[0,8]}}",
        "{'a\\u0000':{'dtype':'F32','shape':[2],'data_offsets':[0,8]}}",
        "{'a\\u001b[2J\\n':{'dtype':'F32','shape':[2],'data_offsets':[0,8]}}",
        "{'\\ud800':{'dtype':'F32','shape':[2],'data_offsets':[0,8]}}",
        "{'a\u009b':{'dtype':'F32','shape':[2],'data_offsets':[0,8]}}",
        "{'a':{'dtype':'\\u001b]0;x','shape':[2],'data_offsets':[0,8]}}",
        "{'a':{'dtype':'F32','shape':[2],'data_offsets':[0,8],'\\u001b[31m':1}}",
      })
  void badHeaders(String header) throws IOException {
    refusal(file(header, 8));
  }

  @Test
  void headersThatAreNotUtf8() throws IOException {
    byte[] header = "{\"?\":{}}".getBytes(StandardCharsets.UTF_8);
    header[2] = (byte) 0xFF;
    assertTrue(refusal(file(header, 8)).contains("not UTF-8"));
  }

  @Test
  void headersThatAreLargeOrDeep() throws IOException {
    refusal(file("{'a':" + "[".repeat(100_000) + "}", 0));
    refusal(file("{'a':" + "{'a':".repeat(100_000) + "}", 0));
    refusal(file("{'" + "n".repeat(1_000_000) + "':{}}", 0));
    refusal(file("{'a':{'dtype':'" + "F".repeat(2_000_000) + "'}}", 0));
    refusal(file("{'a':{'dtype':'F32','shape':[" + "1".repeat(1000) + "]}}", 0));
    String many =
        IntStream.range(0, 200_001)
            .mapToObj(i -> "'" + i + "':{'dtype':'U8','shape':[0],'data_offsets':[0,0]}")
            .collect(Collectors.joining(",", "{", "}"));
    assertTrue(refusal(file(many, 0)).contains("more than 200000 tensors"));
    String rank = IntStream.range(0, 300).mapToObj(i -> "1").collect(Collectors.joining(","));
    Safetensors.open(file("{'a':{'dtype':'U8','shape':[" + rank + "],'data_offsets':[0,1]}}", 1))
        .close();
  }

  @Test
  void filesThatAreNone() throws IOException {
    Path missing = directory.resolve("missing");
    assertEquals(
        missing + " does not exist; check the path",
        assertThrows(Failure.class, () -> Safetensors.open(missing)).getMessage());
    assertTrue(refusal(directory).contains("a directory"));
    Path device = Path.of("/dev/zero");
    if (Files.exists(device)) {
      assertTrue(refusal(device).contains("no regular file"));
    }
  }
}
