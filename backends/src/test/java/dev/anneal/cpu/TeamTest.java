package dev.anneal.cpu;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicIntegerArray;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The team of threads by itself, alone and larger than the machine. A team that hangs, fails. */
@Timeout(120)
class TeamTest {
  @ParameterizedTest
  @ValueSource(ints = {1, 2, 3, 4, 9})
  void everyMemberWorksOnceInEveryRun(int size) {
    try (Team team = new Team(size)) {
      assertEquals(size, team.size());
      AtomicIntegerArray counts = new AtomicIntegerArray(size);
      for (int run = 1; run <= 200; run++) {
        team.run(counts::incrementAndGet);
        for (int member = 0; member < size; member++) {
          assertEquals(run, counts.get(member), "member " + member);
        }
      }
    }
  }

  @Test
  void theCallerIsMemberZeroAndEachOtherHasItsThread() {
    Thread[] first = new Thread[4];
    Thread[] second = new Thread[4];
    try (Team team = new Team(4)) {
      team.run(member -> first[member] = Thread.currentThread());
      team.run(member -> second[member] = Thread.currentThread());
    }
    assertSame(Thread.currentThread(), first[0]);
    assertArrayEquals(first, second);
    assertEquals(4, Set.of(first).size());
    assertTrue(Arrays.stream(first).skip(1).allMatch(Thread::isDaemon));
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 4, 7})
  void noneIsPastABarrierBeforeAllHaveReachedIt(int size) {
    int phases = 500;
    AtomicInteger arrivals = new AtomicInteger();
    AtomicInteger early = new AtomicInteger();
    try (Team team = new Team(size)) {
      team.run(
          member -> {
            for (int phase = 1; phase <= phases; phase++) {
              arrivals.incrementAndGet();
              team.barrier(member);
              if (arrivals.get() < phase * size) {
                early.incrementAndGet();
              }
              team.barrier(member);
            }
          });
    }
    assertEquals(0, early.get());
    assertEquals(phases * size, arrivals.get());
  }

  /**
   * Without the barrier's promise that plain writes are visible, neighbours would read old ones.
   */
  @ParameterizedTest
  @ValueSource(ints = {2, 4, 7})
  void whatOneWroteBeforeABarrierAllReadAfterIt(int size) {
    int[] written = new int[size];
    AtomicInteger wrong = new AtomicInteger();
    try (Team team = new Team(size)) {
      team.run(
          member -> {
            for (int phase = 1; phase <= 1000; phase++) {
              written[member] = phase;
              team.barrier(member);
              if (written[(member + 1) % size] != phase) {
                wrong.incrementAndGet();
              }
              team.barrier(member);
            }
          });
    }
    assertEquals(0, wrong.get());
  }

  /** Longer than anybody spins, so that those who wait have parked and must be woken. */
  @Test
  void whoWaitsLongIsWoken() {
    AtomicInteger done = new AtomicInteger();
    try (Team team = new Team(4)) {
      for (int late = 0; late < 4; late++) {
        int slow = late;
        team.run(
            member -> {
              if (member == slow) {
                LockSupport.parkNanos(20_000_000);
              }
              team.barrier(member);
              done.incrementAndGet();
            });
      }
      // Between two runs, too.
      LockSupport.parkNanos(20_000_000);
      team.run(member -> done.incrementAndGet());
    }
    assertEquals(20, done.get());
  }

  @Test
  void anInterruptedCallerStillWaitsForAllAndStaysInterrupted() {
    AtomicInteger done = new AtomicInteger();
    try (Team team = new Team(3)) {
      Thread.currentThread().interrupt();
      team.run(
          member -> {
            if (member > 0) {
              LockSupport.parkNanos(20_000_000);
            }
            done.incrementAndGet();
          });
      assertEquals(3, done.get());
    }
    assertTrue(Thread.interrupted());
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 1, 3})
  void whatAMemberThrowsTheCallerGetsWhenAllAreDone(int failing) {
    AtomicInteger done = new AtomicInteger();
    try (Team team = new Team(4)) {
      IllegalStateException thrown =
          assertThrows(
              IllegalStateException.class,
              () ->
                  team.run(
                      member -> {
                        if (member == failing) {
                          throw new ArithmeticException("of member " + member);
                        }
                        LockSupport.parkNanos(5_000_000);
                        done.incrementAndGet();
                      }));
      assertEquals(3, done.get());
      assertEquals("of member " + failing, thrown.getCause().getMessage());
      assertFalse(team.hasFailed(), "the next run begins anew");
      team.run(member -> done.incrementAndGet());
      assertEquals(7, done.get());
    }
  }

  @Test
  void ofSeveralFailuresOneIsThrownAndTheNextRunHasNone() {
    try (Team team = new Team(4)) {
      for (int i = 0; i < 20; i++) {
        assertThrows(
            IllegalStateException.class,
            () ->
                team.run(
                    member -> {
                      throw new ArithmeticException();
                    }));
        team.run(member -> {});
      }
    }
  }

  @Test
  void aFullMemoryIsThrownAsItIs() {
    OutOfMemoryError full = new OutOfMemoryError("not really");
    try (Team team = new Team(2)) {
      assertSame(
          full,
          assertThrows(
              OutOfMemoryError.class,
              () ->
                  team.run(
                      member -> {
                        if (member == 1) {
                          throw full;
                        }
                      })));
    }
  }

  @Test
  void aFailureThatIsNotedLetsAllReachTheBarrier() {
    AtomicInteger told = new AtomicInteger();
    try (Team team = new Team(3)) {
      assertThrows(
          IllegalStateException.class,
          () ->
              team.run(
                  member -> {
                    if (member == 2) {
                      team.failed(new ArithmeticException());
                    }
                    team.barrier(member);
                    if (team.hasFailed()) {
                      told.incrementAndGet();
                    }
                  }));
    }
    assertEquals(3, told.get());
  }

  /** A run within a run would wait for threads that wait for it. */
  @ParameterizedTest
  @ValueSource(ints = {0, 1})
  void aRunWithinARunIsRefused(int nesting) {
    AtomicInteger done = new AtomicInteger();
    try (Team team = new Team(2)) {
      IllegalStateException thrown =
          assertThrows(
              IllegalStateException.class,
              () ->
                  team.run(
                      member -> {
                        if (member == nesting) {
                          team.run(inner -> done.incrementAndGet());
                        }
                      }));
      assertTrue(thrown.getMessage().contains("within a run"), thrown.getMessage());
      assertEquals(0, done.get());
      team.run(member -> done.incrementAndGet());
      assertEquals(2, done.get());
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 1})
  void closingWithinARunIsRefused(int member) {
    try (Team team = new Team(2)) {
      assertThrows(
          IllegalStateException.class,
          () ->
              team.run(
                  m -> {
                    if (m == member) {
                      team.close();
                    }
                  }));
      team.run(m -> {});
    }
  }

  @Test
  void runsOfSeveralCallersFollowOneAnother() throws InterruptedException {
    AtomicInteger inside = new AtomicInteger();
    AtomicInteger overlaps = new AtomicInteger();
    try (Team team = new Team(2)) {
      Runnable caller =
          () -> {
            for (int i = 0; i < 100; i++) {
              team.run(
                  member -> {
                    if (inside.incrementAndGet() > 2) {
                      overlaps.incrementAndGet();
                    }
                    team.barrier(member);
                    inside.decrementAndGet();
                  });
            }
          };
      Thread one = Thread.ofPlatform().start(caller);
      Thread two = Thread.ofPlatform().start(caller);
      one.join();
      two.join();
    }
    assertEquals(0, overlaps.get());
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 5})
  void aClosedTeamHasNoThreadsAndRunsNothing(int size) {
    Set<Thread> threads = ConcurrentHashMap.newKeySet();
    Team team = new Team(size);
    team.run(member -> threads.add(Thread.currentThread()));
    team.close();
    team.close();
    threads.remove(Thread.currentThread());
    assertEquals(size - 1, threads.size());
    assertTrue(threads.stream().noneMatch(Thread::isAlive));
    assertThrows(IllegalStateException.class, () -> team.run(member -> {}));
  }

  @Test
  void aTeamThatNeverRanCloses() {
    new Team(3).close();
  }

  /** As {@link CpuProgram} shares out the tasks of a phase, of which there may be few or none. */
  @ParameterizedTest
  @ValueSource(ints = {1, 2, 3, 4, 8})
  void everyTaskOfACounterIsTakenOnce(int size) {
    try (Team team = new Team(size)) {
      for (int tasks : new int[] {0, 1, 2, 7, 1000}) {
        AtomicIntegerArray taken = new AtomicIntegerArray(Math.max(1, tasks));
        AtomicInteger next = new AtomicInteger();
        team.run(
            member -> {
              for (int t = next.getAndIncrement(); t < tasks; t = next.getAndIncrement()) {
                taken.incrementAndGet(t);
              }
            });
        for (int t = 0; t < tasks; t++) {
          assertEquals(1, taken.get(t), "task " + t + " of " + tasks);
        }
      }
    }
  }
}
