package dev.anneal.hip;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * What a compiled kernel file says of itself: an ELF for AMD's GPUs, with a note that has the
 * kernels' properties as MessagePack (LLVM's "User Guide for AMDGPU Backend", code object V3 on).
 *
 * @param machine the architecture's number in the ELF's flags
 * @param kernels properties by kernel name, such as {@code .wavefront_size}
 */
record CodeObject(int machine, Map<String, Map<String, Long>> kernels) {
  private static final int AMD_GPU = 224;
  private static final int NOTE = 7;
  private static final int METADATA = 32;

  static CodeObject of(byte[] image) {
    ByteBuffer elf = ByteBuffer.wrap(image).order(ByteOrder.LITTLE_ENDIAN);
    if (elf.getInt(0) != 0x464c457f || elf.getShort(18) != AMD_GPU) {
      throw new IllegalArgumentException("no code object");
    }
    long sections = elf.getLong(0x28);
    int size = elf.getShort(0x3a);
    int count = elf.getShort(0x3c);
    for (int i = 0; i < count; i++) {
      int header = (int) sections + i * size;
      if (elf.getInt(header + 4) == NOTE) {
        int at = (int) elf.getLong(header + 0x18);
        int name = elf.getInt(at);
        int length = elf.getInt(at + 4);
        if (elf.getInt(at + 8) == METADATA) {
          ByteBuffer note = elf.slice(at + 12 + (name + 3) / 4 * 4, length);
          return new CodeObject(elf.getInt(0x30) & 0xff, kernels((Map<?, ?>) value(note)));
        }
      }
    }
    throw new IllegalArgumentException("the code object has no metadata");
  }

  private static Map<String, Map<String, Long>> kernels(Map<?, ?> metadata) {
    Map<String, Map<String, Long>> kernels = new LinkedHashMap<>();
    for (Object kernel : (List<?>) metadata.get("amdhsa.kernels")) {
      Map<String, Long> numbers = new LinkedHashMap<>();
      ((Map<?, ?>) kernel)
          .forEach(
              (key, value) -> {
                if (value instanceof Long number) {
                  numbers.put((String) key, number);
                }
              });
      kernels.put((String) ((Map<?, ?>) kernel).get(".name"), numbers);
    }
    return kernels;
  }

  /** The next MessagePack value: a Map, List, String, Long or Boolean, big-endian. */
  private static Object value(ByteBuffer in) {
    int tag = in.get() & 0xff;
    if (tag < 0x80 || tag >= 0xe0) {
      return (long) (byte) tag;
    }
    if (tag < 0x90) {
      return map(in, tag & 0x0f);
    }
    if (tag < 0xa0) {
      return list(in, tag & 0x0f);
    }
    if (tag < 0xc0) {
      return text(in, tag & 0x1f);
    }
    return switch (tag) {
      case 0xc2 -> Boolean.FALSE;
      case 0xc3 -> Boolean.TRUE;
      case 0xcc -> number(in, 1);
      case 0xcd -> number(in, 2);
      case 0xce -> number(in, 4);
      case 0xcf -> number(in, 8);
      case 0xd9 -> text(in, (int) number(in, 1));
      case 0xda -> text(in, (int) number(in, 2));
      case 0xdc -> list(in, (int) number(in, 2));
      case 0xdd -> list(in, (int) number(in, 4));
      case 0xde -> map(in, (int) number(in, 2));
      case 0xdf -> map(in, (int) number(in, 4));
      default -> throw new IllegalArgumentException("MessagePack tag " + tag);
    };
  }

  private static long number(ByteBuffer in, int bytes) {
    long number = 0;
    for (int i = 0; i < bytes; i++) {
      number = number << 8 | in.get() & 0xff;
    }
    return number;
  }

  private static String text(ByteBuffer in, int length) {
    byte[] bytes = new byte[length];
    in.get(bytes);
    return new String(bytes, StandardCharsets.UTF_8);
  }

  private static List<Object> list(ByteBuffer in, int length) {
    List<Object> list = new ArrayList<>();
    for (int i = 0; i < length; i++) {
      list.add(value(in));
    }
    return list;
  }

  private static Map<Object, Object> map(ByteBuffer in, int length) {
    Map<Object, Object> map = new LinkedHashMap<>();
    for (int i = 0; i < length; i++) {
      map.put(value(in), value(in));
    }
    return map;
  }
}
