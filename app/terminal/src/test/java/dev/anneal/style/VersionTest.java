package dev.anneal.style;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.anneal.terminal.shell.Release;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/** What says which version this is says the same. */
class VersionTest {
  private static final Path ROOT = Path.of("../..");
  private static final Pattern VERSION =
      Pattern.compile("<artifactId>anneal</artifactId>\\s*<version>([^<]+)-SNAPSHOT</version>");

  @Test
  void theProgramAndAllModulesHaveOneVersion() throws IOException {
    for (String module :
        List.of(
            ".",
            "kernels-cuda",
            "kernels-hip",
            "kernels-opencl",
            "backends",
            "app/engine",
            "app/terminal")) {
      Path pom = ROOT.resolve(module).resolve("pom.xml");
      Matcher version = VERSION.matcher(Files.readString(pom));
      assertEquals(true, version.find(), pom.toString());
      assertEquals(Release.VERSION, version.group(1), pom.toString());
    }
  }
}
