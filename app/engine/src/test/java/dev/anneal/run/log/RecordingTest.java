package dev.anneal.run.log;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.anneal.checkpoint.OutputFile;
import dev.anneal.checkpoint.WrittenContent;
import dev.anneal.failure.Failure;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A record, and what is played from it. */
class RecordingTest {
  @TempDir private Path temp;

  private static List<Event> events() {
    List<Event> events = new ArrayList<>();
    for (int i = 1; i <= 5; i++) {
      events.add(HistoryTest.step(i, 10 - i));
    }
    events.add(new Event.Evaluation(5, 5.5, 3));
    events.add(new Event.SampleStarted(5, "a\033[2J"));
    events.add(new Event.SampleText("b\n"));
    events.add(new Event.SampleEnded(5, 1, 2, "b\n"));
    events.add(new Event.StateChanged(Event.State.PAUSED, 5));
    return events;
  }

  private static List<RecordReader.Entry> read(Path file) {
    List<RecordReader.Entry> entries = new ArrayList<>();
    try (RecordReader reader = RecordReader.open(file)) {
      for (var next = reader.next(); next.isPresent(); next = reader.next()) {
        entries.add(next.get());
      }
    }
    return entries;
  }

  @Test
  void playsWhatWasSaid() {
    Path file = temp.resolve("record.jsonl");
    History live = new History();
    Event.Started started = HistoryTest.started(0);
    live.on(started);
    try (Recording recording =
        new Recording(OutputFile.of(file, WrittenContent.RECORD, false), Optional.of(started))) {
      for (Event event : events()) {
        live.on(event);
        recording.on(event);
      }
    }
    List<RecordReader.Entry> entries = read(file);
    List<Event> expected = new ArrayList<>(events());
    expected.addFirst(started);
    assertEquals(expected, entries.stream().map(RecordReader.Entry::event).toList());
    History played = new History();
    entries.forEach(entry -> played.on(entry.event(), entry.time()));
    assertEquals(live.snapshot().kinds(), played.snapshot().kinds());
    assertEquals(live.snapshot().samples(), played.snapshot().samples());
    assertEquals(live.snapshot().state(), played.snapshot().state());
    assertEquals(live.snapshot().step(), played.snapshot().step());
  }

  @Test
  void aRecordThatWasCutOffPlaysUpToThere() throws IOException {
    Path file = temp.resolve("record.jsonl");
    try (Recording recording =
        new Recording(
            OutputFile.of(file, WrittenContent.RECORD, false),
            Optional.of(HistoryTest.started(0)))) {
      events().forEach(recording::on);
    }
    Files.writeString(file, "{\"event\":\"step\",\"step\":6,\"lo", StandardOpenOption.APPEND);
    assertEquals(events().size() + 1, read(file).size());
  }

  @Test
  void saysWhatIsNoRecord() throws IOException {
    Path empty = Files.writeString(temp.resolve("text.txt"), "no events\nhere\n");
    Failure none = assertThrows(Failure.class, () -> read(empty));
    assertTrue(none.getMessage().contains("text.txt has no event"), none.getMessage());
    Path binary = Files.write(temp.resolve("model.bin"), new byte[] {(byte) 0xff, (byte) 0xfe, 0});
    Failure bytes = assertThrows(Failure.class, () -> read(binary));
    assertTrue(bytes.getMessage().contains("model.bin"), bytes.getMessage());
    assertThrows(Failure.class, () -> read(temp.resolve("none")));
    assertThrows(Failure.class, () -> OutputFile.of(temp, WrittenContent.RECORD, false));
  }
}
