package interop;

import com.datastax.driver.core.PreparedStatement;
import com.datastax.driver.core.ResultSet;
import com.datastax.driver.core.Row;
import com.datastax.driver.core.Session;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.Map;

/** One table of a running node, seen through CQL only. */
final class NodeTable {
    static final String KEYSPACE = "rk";
    static final String TABLE = "enc";
    private static final String NAME = KEYSPACE + "." + TABLE;

    private final Session session;
    private PreparedStatement insert;
    private PreparedStatement insertExpiring;
    private long rows;
    private String hash;

    NodeTable(Session session) {
        this.session = session;
    }

    /** Compaction is off, so that the SSTables on disk are the ones that were flushed. */
    void create(String compression) {
        session.execute("CREATE KEYSPACE " + KEYSPACE
                + " WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}");
        session.execute("CREATE TABLE " + NAME + " (pk text, ck int, s text static, v blob, n int,"
                + " l list<text>, m map<text, int>, note text, PRIMARY KEY (pk, ck))"
                + " WITH compaction = {'class': 'SizeTieredCompactionStrategy', 'enabled': 'false'}"
                + " AND compression = " + compression);
        insert = session.prepare(
                "INSERT INTO " + NAME + " (pk, ck, v, n, l, m, note) VALUES (?, ?, ?, ?, ?, ?, ?) USING TIMESTAMP ?");
        insertExpiring = session.prepare(
                "INSERT INTO " + NAME + " (pk, ck, v, note) VALUES (?, ?, ?, ?) USING TIMESTAMP ? AND TTL " + Content.TTL);
    }

    /** Writes the part of the rows that belongs to one SSTable, with deletions of every kind. */
    void fill(int sstable, int sstables, int rowCount, int blobLength) {
        for (int i = sstable; i < rowCount; i += sstables) {
            String pk = partitionOf(i);
            ByteBuffer blob = Content.blob(i, blobLength);
            if (i % 11 == 4)
                session.execute(insertExpiring.bind(pk, i, blob, "note " + i, timestamp(i)));
            else
                session.execute(insert.bind(
                        pk, i, blob, i, List.of("a" + i, "b"), Map.of("k", i), "note " + i, timestamp(i)));
        }
        session.execute("INSERT INTO " + NAME + " (pk, s) VALUES ('wide', 'static " + sstable + "')");
        session.execute("DELETE n FROM " + NAME + " WHERE pk = 'wide' AND ck = " + 4 * sstable);
        session.execute("DELETE FROM " + NAME + " WHERE pk = 'wide' AND ck = " + (20 + 4 * sstable));
        session.execute("DELETE FROM " + NAME + " WHERE pk = 'wide' AND ck > 40 AND ck < 60");
        session.execute("DELETE FROM " + NAME + " WHERE pk = 'small-0'");
    }

    /** Reads everything, page by page. */
    void readAll() {
        ContentHash content = new ContentHash();
        ResultSet results = session.execute(
                "SELECT pk, ck, s, v, n, l, m, note, writetime(v), writetime(note) FROM " + NAME);
        rows = 0;
        for (Row row : results) {
            rows++;
            for (int column = 0; column < row.getColumnDefinitions().size(); column++)
                content.addBytes(row.getBytesUnsafe(column));
        }
        hash = content.finish();
    }

    long rows() {
        return rows;
    }

    String hash() {
        return hash;
    }

    private static String partitionOf(int i) {
        return i / 2 % 2 == 0 ? "wide" : "small-" + i / 16;
    }

    /** In the past, so that the deletions, which use the node's clock, are newer. */
    private static long timestamp(int i) {
        return Content.TIMESTAMP + i;
    }
}
