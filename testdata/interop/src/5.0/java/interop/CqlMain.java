package interop;

import com.datastax.driver.core.PreparedStatement;
import com.datastax.driver.core.Row;
import com.datastax.driver.core.Session;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.apache.cassandra.db.ColumnFamilyStore;
import org.apache.cassandra.db.Keyspace;
import org.apache.cassandra.io.sstable.format.SSTableReader;
import org.apache.cassandra.service.StorageService;

/**
 * Starts a real node, with materialized views and with snapshots of what is dropped, does what a batch says, and
 * drains it: {@code FOLDER FORMAT}. The lines are as those of {@link Main}:
 *
 * <ul>
 * <li>{@code cql statement=}: executes the statement as it is.
 * <li>{@code fill table= [from=] rows=}: inserts rows with consecutive numbers into a table with the columns
 *     {@code pk text, ck int, n int, v blob}.
 * <li>{@code flush keyspace=}
 * <li>{@code read query= [rows=] [hash=]}: prints the number of rows and a hash of them, and fails if these are
 *     not the expected ones.
 * <li>{@code options keyspace= [sstables=]}: fails if an SSTable that the node uses has other options than the
 *     node's schema has for its table; those of indexes and views are looked at, too.
 * </ul>
 */
public final class CqlMain {
    private static final int BLOB = 1000;

    private final Session session;

    private CqlMain(Session session) {
        this.session = session;
    }

    public static void main(String[] args) {
        boolean[] ok = {false};
        try {
            RunningNode.run(
                    Path.of(args[0]), args[1], session -> ok[0] = Batch.run(new CqlMain(session)::dispatch),
                    "auto_snapshot: true",
                    "materialized_views_enabled: true",
                    "uuid_sstable_identifiers_enabled: true");
        } catch (Throwable e) {
            // A node that does not start may throw anything.
            e.printStackTrace();
            ok[0] = false;
        }
        System.out.flush();
        Runtime.getRuntime().halt(ok[0] ? 0 : 1);
    }

    private void dispatch(Command command, Result result) throws Exception {
        switch (command.name) {
            case "cql":
                session.execute(command.required("statement"));
                break;
            case "fill":
                fill(command);
                break;
            case "flush":
                StorageService.instance.forceKeyspaceFlush(command.required("keyspace"));
                break;
            case "read":
                read(command, result);
                break;
            case "options":
                options(command, result);
                break;
            default:
                throw new IllegalArgumentException("unknown command " + command.name);
        }
    }

    private void fill(Command command) {
        PreparedStatement insert = session.prepare(
                "INSERT INTO " + command.required("table") + " (pk, ck, n, v) VALUES (?, ?, ?, ?)");
        int from = command.number("from", 0);
        int end = from + Integer.parseInt(command.required("rows"));
        for (int i = from; i < end; i++) session.execute(insert.bind("p" + i % 7, i, i % 5, Content.blob(i, BLOB)));
    }

    /** Page by page. */
    private void read(Command command, Result result) {
        ContentHash content = new ContentHash();
        long rows = 0;
        for (Row row : session.execute(command.required("query"))) {
            rows++;
            for (int column = 0; column < row.getColumnDefinitions().size(); column++)
                content.addBytes(row.getBytesUnsafe(column));
        }
        result.put("rows", rows);
        result.put("hash", content.finish());
        result.expect(command, "rows", "hash");
    }

    private static void options(Command command, Result result) {
        int sstables = 0;
        List<String> others = new ArrayList<>();
        for (ColumnFamilyStore store : Keyspace.open(command.required("keyspace")).getColumnFamilyStores()) {
            for (ColumnFamilyStore one : store.concatWithIndexes()) {
                Map<String, String> own = new TreeMap<>(one.metadata().params.compression.asMap());
                for (SSTableReader sstable : one.getLiveSSTables()) {
                    sstables++;
                    Map<String, String> its = new TreeMap<>(sstable.getCompressionMetadata().parameters.asMap());
                    if (!its.equals(own))
                        others.add(one.name + ", " + sstable.descriptor.baseFile().name() + ": " + its + ", not " + own);
                }
            }
        }
        result.put("sstables", sstables);
        if (!others.isEmpty()) throw new IllegalStateException(String.join("; ", others));
        result.expect(command, "sstables");
    }
}
