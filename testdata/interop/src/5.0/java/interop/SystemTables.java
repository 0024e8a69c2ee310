package interop;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.function.Consumer;
import org.apache.cassandra.cql3.UntypedResultSet;
import org.apache.cassandra.db.ColumnFamilyStore;
import org.apache.cassandra.db.Keyspace;

/** The tables whose mutations are in commit logs and hints. */
final class SystemTables {
    static final String KEYSPACE = "rk";
    /**
     * The last one is never flushed before the others, so that no segment is discarded until all are: 5.0.5 takes a segment
     * for clean, and discards it, while the first mutation after a flush, if it is the only one of its table there, is in no
     * SSTable. Then a crash loses it. (A segment keeps where its mutation begins, and that is where the flush ends.)
     */
    static final List<String> NAMES = List.of("one", "two", "three", "kept");
    /** Nobody asks for its rows. */
    private static final String BETWEEN = "between";

    private SystemTables() {}

    static void create(int replicas) throws IOException {
        SystemNode.execute("CREATE KEYSPACE " + KEYSPACE + " WITH replication = {'class': 'SimpleStrategy',"
                + " 'replication_factor': " + replicas + "}");
        for (String name : NAMES) create(name);
        create(BETWEEN);
        SystemNode.withoutCompaction(KEYSPACE);
    }

    private static void create(String name) {
        SystemNode.execute("CREATE TABLE " + KEYSPACE + "." + name + " (p int, c int, n int, v blob,"
                + " PRIMARY KEY (p, c)) WITH cdc = " + name.equals("three"));
    }

    /** As others write. */
    static void flushSome(Random random) {
        for (String name : NAMES.subList(0, NAMES.size() - 1)) if (random.nextInt(3) == 0) flush(name);
    }

    /** As nobody writes. What is written next does not begin where a flush ends. */
    static void flushAll() {
        NAMES.forEach(SystemTables::flush);
        SystemNode.execute("INSERT INTO " + KEYSPACE + "." + BETWEEN + " (p, c) VALUES (0, 0)");
    }

    static void flush(String name) {
        store(name).forceBlockingFlush(ColumnFamilyStore.FlushReason.USER_FORCED);
    }

    /** Forgets all rows, and takes the SSTables of another node's data directory for its own; those stay there. */
    static void replace(Path data) throws IOException {
        for (String name : NAMES) {
            ColumnFamilyStore store = store(name);
            store.clearUnsafe();
            String folder = data.resolve(KEYSPACE).resolve(store.getDirectories().getDirectoryForNewSSTables().name()).toString();
            List<String> failed = store.importNewSSTables(Set.of(folder), false, false, false, false, true, false, true);
            if (!failed.isEmpty()) throw new IOException("cannot import " + failed);
        }
    }

    /** How many writes are in the commit log alone. */
    static long unflushed() {
        long operations = 0;
        for (String name : NAMES)
            operations += store(name).getTracker().getView().getCurrentMemtable().operationCount();
        return operations;
    }

    /** Each row that this node has itself, as the write that it must be from. */
    static void eachRow(Consumer<Write> work) {
        for (String name : NAMES) {
            for (UntypedResultSet.Row row : SystemNode.own("SELECT p, c, n, v FROM " + KEYSPACE + "." + name)) {
                Write write = new Write(name, row.getInt("p"), row.getInt("c"), row.getInt("n"), false);
                if (!write.value().equals(row.getBytes("v")))
                    throw new IllegalStateException("the content of " + write.text() + " is another one");
                work.accept(write);
            }
        }
    }

    private static ColumnFamilyStore store(String name) {
        return Keyspace.open(KEYSPACE).getColumnFamilyStore(name);
    }
}
