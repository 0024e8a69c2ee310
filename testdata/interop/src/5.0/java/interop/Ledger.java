package interop;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;

/**
 * What was asked of a node and what it has acknowledged, in a file that survives it: a line {@code i ID WRITE...} before
 * a statement is executed, and {@code a ID} after it was acknowledged.
 */
final class Ledger implements AutoCloseable {
    private final Path file;
    private final FileChannel channel;
    private long last;

    Ledger(Path file) throws IOException {
        this.file = file;
        channel = FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.APPEND);
    }

    synchronized long issued(List<Write> writes) throws IOException {
        StringBuilder line = new StringBuilder("i " + ++last);
        for (Write write : writes) line.append(' ').append(write.text());
        append(line.toString());
        return last;
    }

    synchronized void acknowledged(long id) throws IOException {
        append("a " + id);
    }

    /** Its length in bytes: what is acknowledged by now is before that. */
    synchronized long length() throws IOException {
        return channel.size();
    }

    Path file() {
        return file;
    }

    private void append(String line) throws IOException {
        ByteBuffer bytes = ByteBuffer.wrap((line + "\n").getBytes(StandardCharsets.UTF_8));
        while (bytes.hasRemaining()) channel.write(bytes);
    }

    @Override
    public void close() throws IOException {
        channel.close();
    }

    /**
     * Compares the rows of this node with a ledger. Of each row there must be the last version that was acknowledged
     * before the given length, or a later one that was issued; the versions of a row are issued in their order, each
     * after the one before was answered.
     */
    static void judge(Path file, long acknowledgedBefore, Result result) throws IOException {
        Map<Long, List<Write>> issued = new HashMap<>();
        Map<String, List<Write>> versions = new HashMap<>();
        Map<String, Integer> acknowledged = new HashMap<>();
        long position = 0;
        for (String line : wholeLines(file)) {
            String[] words = line.split(" ");
            if (words[0].equals("i")) {
                List<Write> writes = new ArrayList<>();
                for (int i = 2; i < words.length; i++) writes.add(Write.parse(words[i]));
                issued.put(Long.parseLong(words[1]), writes);
                for (Write write : writes) versions.computeIfAbsent(write.key(), key -> new ArrayList<>()).add(write);
            } else if (position < acknowledgedBefore) {
                for (Write write : issued.get(Long.parseLong(words[1])))
                    acknowledged.merge(write.key(), write.version(), Math::max);
            }
            position += line.length() + 1;
        }
        Map<String, Write> found = new HashMap<>();
        SystemTables.eachRow(write -> found.put(write.key(), write));
        Set<String> lost = new TreeSet<>();
        Set<String> unknown = new HashSet<>(found.keySet());
        unknown.removeAll(versions.keySet());
        versions.forEach((key, all) -> {
            int least = acknowledged.getOrDefault(key, -1);
            if (!isOneOf(found.get(key), all, least)) lost.add(key + ":" + least);
        });
        result.put("acknowledged", acknowledged.size());
        result.put("rows", found.size());
        if (!lost.isEmpty() || !unknown.isEmpty())
            throw new IllegalStateException("lost or wrong are " + lost.size() + " rows "
                    + lost.stream().limit(5).toList() + ", never written were " + unknown.size());
    }

    private static boolean isOneOf(Write found, List<Write> versions, int least) {
        // Nothing of it needs to be there.
        if (least < 0 && found == null) return true;
        for (Write write : versions) {
            if (write.version() < least) continue;
            if (write.deletes() ? found == null : write.equals(found)) return true;
        }
        return false;
    }

    /** Without one that was cut off. */
    private static List<String> wholeLines(Path file) throws IOException {
        String text = Files.readString(file);
        return text.substring(0, text.lastIndexOf('\n') + 1).lines().toList();
    }
}
