package interop;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;

/**
 * A copy of a running node's files, which is what a crash at that moment leaves: the commit log first, since what is
 * flushed after that is in both. Hard links between commit log and cdc_raw stay.
 */
final class CrashImage {
    private final Path node;
    private final Path image;

    CrashImage(Path node, Path image) {
        this.node = node;
        this.image = image;
    }

    void take(Ledger ledger) throws Exception {
        Files.createDirectories(image);
        copy("commitlog", "cdc_raw");
        copy("data");
        Files.copy(ledger.file(), image.resolve("ledger"));
        Files.writeString(image.resolve("cassandra.yaml"),
                Files.readString(node.resolve("cassandra.yaml")).replace(node.toString(), image.toString()));
    }

    private void copy(String... folders) throws Exception {
        ProcessBuilder copy = new ProcessBuilder("cp", "-a");
        for (String folder : folders) copy.command().add(node.resolve(folder).toString());
        copy.command().add(image.toString());
        if (copy.inheritIO().start().waitFor() != 0) throw new IOException("cannot copy " + List.of(folders));
    }

    /** How far the commit log is: its last segment with anything in it, and the length of that. */
    static String state(Path folder) throws IOException {
        Path last = active(folder);
        return last == null ? "" : last.getFileName() + " " + Files.size(last);
    }

    /** The last segment that has a section; the one after it may have been made, but not used. */
    private static Path active(Path folder) throws IOException {
        Path active = null;
        for (Path segment : segments(folder)) if (!new CommitLogFile(segment).sections.isEmpty()) active = segment;
        return active;
    }

    private static List<Path> segments(Path folder) throws IOException {
        try (Stream<Path> files = Files.list(folder.resolve("commitlog"))) {
            return files.filter(file -> file.toString().endsWith(".log")).sorted().toList();
        }
    }

    /**
     * Leaves a part of the last section: cut off, or with zeros. Not if that was there at the state before, whose writes
     * are acknowledged. A node forgives that in its last segment only, so that the next one, which is made before it is
     * needed, has not been made. Returns what was done.
     */
    String tear(String before, Random random, boolean zeros) throws IOException {
        Path last = active(image);
        if (last == null) return "no";
        CommitLogFile log = new CommitLogFile(last);
        int start = log.sections.get(log.sections.size() - 1).position();
        String[] known = before.split(" ");
        if (known.length == 2 && last.getFileName().toString().equals(known[0]) && start < Integer.parseInt(known[1]))
            return "no";
        List<Path> segments = segments(image);
        for (Path spare : segments.subList(segments.indexOf(last) + 1, segments.size())) {
            Files.delete(spare);
            Files.deleteIfExists(image.resolve("cdc_raw").resolve(spare.getFileName()));
        }
        try (RandomAccessFile file = new RandomAccessFile(last.toFile(), "rw")) {
            file.setLength(log.end);
            if (!zeros) {
                file.setLength(start + 1 + random.nextInt(log.end - start - 1));
                return "cut off";
            }
            // A marker is whole, or is not there.
            int whole = start + CommitLogFile.MARKER;
            int from = random.nextInt(4) == 0 ? start : whole + random.nextInt(log.end - whole);
            file.seek(from);
            file.write(new byte[log.end - from]);
            return "zeros";
        }
    }
}
