package interop;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.Future;
import java.util.stream.Stream;
import org.apache.cassandra.db.commitlog.CommitLog;
import org.apache.cassandra.db.commitlog.CommitLogSegment;
import org.apache.cassandra.io.util.File;

/**
 * A real node with an encrypting commit log and encrypted hints. One node per JVM, so its one command is the argument,
 * fields as in a batch, separated by tabs. Each FOLDER has the node's cassandra.yaml.
 *
 * <p>{@code write folder= to= seed= images= [torn=zeros]}: for each seed from the given one on, writes at random, flushes
 * some tables at random, and copies the node's files to {@code to/SEED}; in the end it kills itself with SIGKILL while it
 * writes and flushes. {@code image.properties} says of each copy what is in it, {@code ledger} what was acknowledged.
 *
 * <p>{@code tight folder=}: flushes one table, writes a little more to it, and kills itself.
 *
 * <p>{@code replay folder= ledger= acknowledged= [others=FILE]}: starts on what a crash has left, and compares the rows with
 * the ledger. Then it forgets its rows, and takes SSTables and commit logs of other crashes of that node, a line of the
 * file for each, {@code image folder= ledger= acknowledged=}; they are replayed as at its start, which costs no other start.
 */
public final class SystemMain {
    private SystemMain() {}

    public static void main(String[] args) {
        Command command = Command.parse(args[0]);
        Result result = new Result(command.optional("id", command.name));
        boolean ok = false;
        // A node that cannot go on ends its process.
        Runtime.getRuntime().addShutdownHook(new Thread(() -> {
            result.put("error", "the node ended its process");
            System.out.println(result.line(false));
            System.out.flush();
        }));
        try {
            Path folder = Path.of(command.required("folder")).toRealPath();
            switch (command.name) {
                case "write":
                    write(folder, command);
                    break;
                case "replay":
                    replay(folder, command, result);
                    break;
                case "tight":
                    tight(folder);
                    break;
                case "hint":
                    SystemHints.write(folder, command);
                    break;
                case "deliver":
                    SystemHints.deliver(folder, command, result);
                    break;
                case "serve":
                    SystemNode.start(folder);
                    // Until it is killed.
                    Thread.sleep(Long.MAX_VALUE);
                    break;
                default:
                    throw new IllegalArgumentException("unknown command " + command.name);
            }
            ok = true;
        } catch (Throwable e) {
            // A node that does not start may throw anything.
            e.printStackTrace();
            result.put("error", String.valueOf(e).replaceAll("\\s+", " "));
        }
        System.out.println(result.line(ok));
        System.out.flush();
        Runtime.getRuntime().halt(ok ? 0 : 1);
    }

    private static void replay(Path folder, Command command, Result result) throws IOException {
        SystemNode.start(folder);
        judge(command, result);
        String others = command.optional("others", "");
        if (others.isEmpty()) return;
        for (String line : Files.readAllLines(Path.of(others))) {
            Command other = Command.parse(line);
            Result its = new Result(other.required("id"));
            boolean ok = false;
            try {
                recover(Path.of(other.required("folder")), its);
                judge(other, its);
                ok = true;
            } catch (Throwable e) {
                // As a node that does not start.
                e.printStackTrace();
                its.put("error", String.valueOf(e).replaceAll("\\s+", " "));
            }
            System.out.println(its.line(ok));
        }
    }

    private static void judge(Command command, Result result) throws IOException {
        Ledger.judge(
                Path.of(command.required("ledger")), Long.parseLong(command.required("acknowledged")), result);
    }

    /** What a node does at its start. */
    private static void recover(Path image, Result result) throws IOException {
        SystemTables.replace(image.resolve("data"));
        File[] segments = new File(image.resolve("commitlog")).tryList(file -> file.name().endsWith(".log"));
        Arrays.sort(segments, new CommitLogSegment.CommitLogSegmentFileComparator());
        result.put("replayed", CommitLog.instance.recoverFiles(segments));
    }

    private static void write(Path folder, Command command) throws Exception {
        Path images = Path.of(command.required("to"));
        long seed = Long.parseLong(command.required("seed"));
        boolean zeros = command.optional("torn", "").equals("zeros");
        int count = command.number("images", 1);
        SystemNode.start(folder);
        SystemTables.create(1);
        try (Ledger ledger = new Ledger(folder.resolve("ledger"))) {
            for (int i = 0; i < count; i++) {
                try (RandomWrites writes = new RandomWrites(seed + i, i, ledger)) {
                    image(folder, images.resolve(Long.toString(seed + i)), ledger, writes, zeros);
                }
            }
            killed(new RandomWrites(seed + count, count, ledger));
        }
    }

    private static void image(Path folder, Path to, Ledger ledger, RandomWrites writes, boolean zeros) throws Exception {
        Random random = writes.random();
        int steps = 1 + random.nextInt(4);
        for (int step = 0; step < steps; step++) {
            List<Future<?>> running = writes.begin(random.nextInt(4) == 0 ? 120 : 25);
            // Some are flushed as others write.
            boolean waits = random.nextBoolean();
            if (waits) RandomWrites.waitFor(running);
            if (step + 1 < steps || random.nextInt(3) == 0) SystemTables.flushSome(random);
            if (!waits) RandomWrites.waitFor(running);
        }
        long acknowledged = ledger.length();
        String state = CrashImage.state(folder);
        long unflushed = SystemTables.unflushed();
        // A crash does not wait until all is answered.
        List<Future<?>> running = random.nextInt(3) > 0 ? writes.begin(8) : List.of();
        Thread.sleep(random.nextInt(running.isEmpty() ? 1 : 12));
        CrashImage image = new CrashImage(folder, to);
        image.take(ledger);
        RandomWrites.waitFor(running);
        String torn = running.isEmpty() ? "no" : image.tear(state, random, zeros && random.nextBoolean());
        Files.writeString(to.resolve("image.properties"),
                "acknowledged=" + acknowledged + "\nunflushed=" + unflushed + "\ntorn=" + torn + "\n");
        // Else the next image would have to have all that this one has.
        if (random.nextInt(3) == 0) SystemTables.flushAll();
        if (random.nextInt(2) == 0) consumeChanges(folder.resolve("cdc_raw"));
    }

    /** As an operator's program does with what the node has completed. */
    private static void consumeChanges(Path folder) throws IOException {
        List<Path> indexes;
        try (Stream<Path> files = Files.list(folder)) {
            indexes = files.filter(file -> file.toString().endsWith("_cdc.idx")).toList();
        }
        for (Path index : indexes) {
            if (!Files.readString(index).contains("COMPLETED")) continue;
            Files.deleteIfExists(Path.of(index.toString().replace("_cdc.idx", ".log")));
            Files.delete(index);
        }
    }

    /** The first writes after the flush are directly behind the position up to which a replay leaves the table out. */
    private static void tight(Path folder) throws Exception {
        SystemNode.start(folder);
        SystemTables.create(1);
        try (Ledger ledger = new Ledger(folder.resolve("ledger"))) {
            for (int row = 0; row < 20; row++) {
                if (row == 10) SystemTables.flush("one");
                Write write = new Write("one", 1, row, 1, false);
                // All that is short fits in where the header was.
                while (write.value().remaining() > 40) write = new Write("one", 1, row, write.version() + 1, false);
                long id = ledger.issued(List.of(write));
                SystemNode.execute(write.statement());
                ledger.acknowledged(id);
            }
        }
        killMyself();
    }

    private static void killed(RandomWrites writes) throws Exception {
        Random random = writes.random();
        Thread killer = new Thread(() -> {
            try {
                Thread.sleep(50 + random.nextInt(1500));
                killMyself();
            } catch (Exception e) {
                throw new IllegalStateException(e);
            }
        });
        killer.setDaemon(true);
        killer.start();
        while (true) {
            List<Future<?>> running = writes.begin(60);
            SystemTables.flushSome(random);
            RandomWrites.waitFor(running);
        }
    }

    /** Nothing in this JVM can do anything about it, and nothing is told of it. */
    static void killMyself() throws Exception {
        new ProcessBuilder("kill", "-9", Long.toString(ProcessHandle.current().pid())).start().waitFor();
        Thread.sleep(Long.MAX_VALUE);
    }
}
