package dev.anneal.gpu;

import dev.anneal.cache.CacheDirectory;
import dev.anneal.plan.DType;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;

/**
 * Images from the cache on disk, else from a compiler.
 *
 * @param sources a kernel file by its name
 */
public record CompiledImages(
    CacheDirectory cache, KernelCompiler compiler, Function<String, KernelSource> sources)
    implements KernelImages {

  @Override
  public byte[] image(String file, DType real) {
    KernelSource source = sources.apply(file);
    List<String> definitions = KernelImages.definitions(real);
    List<String> parts = new ArrayList<>(compiler.identity());
    parts.addAll(definitions);
    parts.add(source.name());
    parts.add(source.text());
    String key = CacheDirectory.key(parts.toArray(String[]::new));
    Optional<byte[]> cached = cache.read(key);
    if (cached.isPresent()) {
      return cached.get();
    }
    byte[] image = compiler.compile(source, definitions);
    cache.write(key, image);
    return image;
  }
}
