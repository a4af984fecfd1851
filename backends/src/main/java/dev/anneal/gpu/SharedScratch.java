package dev.anneal.gpu;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/**
 * The scratch of all programs of a device. They run one after the other on its stream, so they may
 * have the same bytes; only a program that needs more than any before takes some of its own.
 */
final class SharedScratch {

  private static final class Block {
    private final GpuMemory memory;
    private int users;

    private Block(GpuMemory memory) {
      this.memory = memory;
    }
  }

  private final Driver driver;
  private final List<Block> blocks = new ArrayList<>();

  SharedScratch(Driver driver) {
    this.driver = driver;
  }

  /** A program's use of scratch, until it is closed. */
  final class Lease implements AutoCloseable {
    private final Block block;
    private boolean open = true;

    private Lease(Block block) {
      this.block = block;
    }

    long address() {
      return block.memory.address();
    }

    @Override
    public void close() {
      if (open) {
        open = false;
        release(block);
      }
    }
  }

  /**
   * At least {@code bytes} of it.
   *
   * @param what it is for, for messages
   * @throws dev.anneal.failure.Failure when there is no room
   */
  synchronized Lease lease(String what, long bytes) {
    Block block =
        blocks.stream()
            .max(Comparator.comparingLong(each -> each.memory.bytes()))
            .filter(largest -> largest.memory.bytes() >= bytes)
            .orElseGet(() -> add(new Block(new GpuMemory(driver, what, bytes))));
    block.users++;
    return new Lease(block);
  }

  private Block add(Block block) {
    blocks.add(block);
    return block;
  }

  private synchronized void release(Block block) {
    block.users--;
    if (block.users == 0) {
      blocks.remove(block);
      block.memory.close();
    }
  }
}
