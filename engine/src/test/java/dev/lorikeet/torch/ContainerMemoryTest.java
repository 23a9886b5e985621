package dev.lorikeet.torch;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ContainerMemoryTest {
  @TempDir Path temp;

  private void write(String file, String text) throws IOException {
    Path path = temp.resolve(file);
    Files.createDirectories(path.resolve(".."));
    Files.writeString(path, text);
  }

  private Optional<ContainerMemory> read() {
    return ContainerMemory.read(temp.resolve("membership"), temp.resolve("cgroup"));
  }

  @Test
  void smallestLimitOfTheGroupsAroundCounts() throws IOException {
    write("membership", "0::/pod/container\n");
    write("cgroup/pod/container/memory.max", "max\n");
    write("cgroup/pod/container/memory.current", "500\n");
    write("cgroup/pod/memory.max", "1000\n");
    write("cgroup/pod/memory.current", "600\n");
    write("cgroup/pod/memory.stat", "anon 100\ninactive_file 250\n");
    write("cgroup/memory.max", "9000\n");
    write("cgroup/memory.current", "8000\n");

    assertEquals(Optional.of(new ContainerMemory(1000, 350)), read());
  }

  @Test
  void firstVersionOfControlGroupsIsRead() throws IOException {
    write("membership", "12:cpu,cpuacct:/x\n4:memory:/docker/abc\n");
    write("cgroup/memory/memory.limit_in_bytes", "2000\n");
    write("cgroup/memory/memory.usage_in_bytes", "700\n");
    write("cgroup/memory/memory.stat", "total_inactive_file 200\n");

    assertEquals(Optional.of(new ContainerMemory(2000, 500)), read());
  }

  @Test
  void noLimitIsNoLimit() throws IOException {
    assertEquals(Optional.empty(), read());
    write("membership", "4:memory:/\n0::/\n");
    write("cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n");
    write("cgroup/memory/memory.usage_in_bytes", "700\n");
    assertEquals(Optional.empty(), read());
  }

  @Test
  void pathThatLeavesTheMountedGroupsIsLeftAlone() throws IOException {
    write("membership", "0::/../../other\n");
    write("other/memory.max", "10\n");

    assertEquals(Optional.empty(), read());
  }
}
