package interop;

import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.apache.cassandra.db.ColumnFamilyStore;
import org.apache.cassandra.db.compaction.OperationType;
import org.apache.cassandra.db.compaction.Upgrader;
import org.apache.cassandra.db.lifecycle.LifecycleTransaction;
import org.apache.cassandra.io.sstable.Component;
import org.apache.cassandra.io.sstable.Descriptor;
import org.apache.cassandra.io.sstable.format.SSTableReader;
import org.apache.cassandra.utils.OutputHandler;

/**
 * The database's own way to a new key, for comparison: rewrites every SSTable of a table row by row, as
 * {@code nodetool upgradesstables -a} does, without a node and without throttling.
 *
 * <p>The argument is the format of new SSTables. Commands come from standard input as for {@link Main}, and
 * are answered one by one: {@code write}, as there, and {@code rewrite data= keyspace= table= compression=
 * [jobs=2]}, whose result has the seconds that it took in this JVM, until old SSTables are given up for
 * deletion. The JVM stays, so what comes after the first rewrite is warm.
 */
public final class RewriteMain {
    private RewriteMain() {}

    public static void main(String[] args) throws Exception {
        if (args.length != 1) throw new IllegalArgumentException("usage: RewriteMain FORMAT < commands");
        Path settings = Settings.useFor(args[0]);
        Release.startOffline();
        boolean allOk = true;
        BufferedReader commands = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line = commands.readLine(); line != null && allOk; line = commands.readLine()) {
            Command command = Command.parse(line);
            Result result = new Result(command.optional("id", command.name));
            allOk = succeeds(command, result);
            System.out.println(result.line(allOk));
            System.out.flush();
        }
        Settings.delete(settings);
        Runtime.getRuntime().halt(allOk ? 0 : 1);
    }

    private static boolean succeeds(Command command, Result result) {
        try {
            if (command.name.equals("write")) WriteCommand.run(command, result);
            else if (command.name.equals("rewrite")) rewrite(command, result);
            else throw new IllegalArgumentException("unknown command " + command.name);
            return true;
        } catch (Throwable e) {
            // The database reports some damage with AssertionError.
            e.printStackTrace();
            result.put("error", String.valueOf(e).replaceAll("\\s+", " "));
            return false;
        }
    }

    private static void rewrite(Command command, Result result) throws Exception {
        TableFolder folder = TableFolder.of(command);
        Map<Descriptor, Set<Component>> listed = ReadCommand.list(folder);
        Table table = Table.define(folder.keyspace, folder.table, folder.id,
                                   SchemaOfSSTables.shape(listed.keySet()), command.compression());
        ColumnFamilyStore store = table.store(folder.dataDirectory());
        ExecutorService compactors = Executors.newFixedThreadPool(command.number("jobs", 2));
        long start = System.nanoTime();
        List<Future<?>> pending = new ArrayList<>();
        for (Map.Entry<Descriptor, Set<Component>> sstable : listed.entrySet())
            pending.add(compactors.submit(() -> {
                rewrite(store, SSTableReader.openNoValidation(sstable.getKey(), sstable.getValue(), store));
                return null;
            }));
        for (Future<?> one : pending) one.get();
        LifecycleTransaction.waitForDeletions();
        double seconds = (System.nanoTime() - start) / 1e9;
        compactors.shutdown();
        // The last files are deleted by a thread of their own.
        int left = ReadCommand.list(folder).size();
        for (int tries = 0; left > listed.size() && tries < 100; tries++) {
            Thread.sleep(100);
            left = ReadCommand.list(folder).size();
        }
        if (left != listed.size()) throw new IllegalStateException(left + " SSTables are left of " + listed.size());
        result.put("sstables", left);
        result.put("seconds", seconds);
    }

    private static void rewrite(ColumnFamilyStore store, SSTableReader sstable) {
        try (LifecycleTransaction transaction =
                     LifecycleTransaction.offline(OperationType.UPGRADE_SSTABLES, sstable)) {
            new Upgrader(store, transaction, new OutputHandler.LogOutput()).upgrade(false);
            // Nobody else closes the new ones, and the tool wants nobody to have them open.
            for (SSTableReader written : transaction.tracker.getView().liveSSTables())
                written.selfRef().ensureReleased();
        } finally {
            sstable.selfRef().ensureReleased();
        }
    }
}
