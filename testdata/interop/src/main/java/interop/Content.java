package interop;

import static org.apache.cassandra.utils.ByteBufferUtil.bytes;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.UUID;
import org.apache.cassandra.db.Clustering;
import org.apache.cassandra.db.ClusteringBound;
import org.apache.cassandra.db.DecoratedKey;
import org.apache.cassandra.db.DeletionTime;
import org.apache.cassandra.db.LivenessInfo;
import org.apache.cassandra.db.marshal.AbstractType;
import org.apache.cassandra.db.marshal.BytesType;
import org.apache.cassandra.db.marshal.Int32Type;
import org.apache.cassandra.db.marshal.ListType;
import org.apache.cassandra.db.marshal.MapType;
import org.apache.cassandra.db.marshal.UTF8Type;
import org.apache.cassandra.db.rows.BTreeRow;
import org.apache.cassandra.db.rows.BufferCell;
import org.apache.cassandra.db.rows.CellPath;
import org.apache.cassandra.db.rows.RangeTombstoneBoundMarker;
import org.apache.cassandra.db.rows.Row;
import org.apache.cassandra.db.rows.Rows;
import org.apache.cassandra.db.rows.Unfiltered;
import org.apache.cassandra.db.rows.UnfilteredRowIterator;
import org.apache.cassandra.utils.UUIDGen;

/**
 * The rows that the harness writes: the same bytes on every run, for any compression and on any clock.
 *
 * <p>They are built below CQL. CQL statements take list positions and deletion times from the wall
 * clock, and the offline CQL writers of 3.11 and 4.0 cannot delete; this way every release writes
 * every kind of tombstone.
 *
 * <p>One partition is wide (row indexes inside a partition), the others are small, and every SSTable
 * has rows of most partitions.
 */
final class Content {
    /** 2023-11-14, in seconds; expiry times made from it stay below 2038, the limit of older formats. */
    static final int NOW = 1_700_000_000;
    static final long TIMESTAMP = NOW * 1_000_000L;
    static final int TTL = 10 * 365 * 86_400;
    private static final int ROWS_OF_SMALL_PARTITION = 8;
    private static final String WIDE = "wide";

    private final Table table;
    private final int rows;
    private final int blobLength;
    private final int sstables;

    Content(Table table, int rows, int blobLength, int sstables) {
        this.table = table;
        this.rows = rows;
        this.blobLength = blobLength;
        this.sstables = sstables;
    }

    static Shape shape() {
        SortedMap<String, AbstractType<?>> statics = new TreeMap<>(Map.of("s", UTF8Type.instance));
        SortedMap<String, AbstractType<?>> regulars = new TreeMap<>();
        regulars.put("l", ListType.getInstance(UTF8Type.instance, true));
        regulars.put("m", MapType.getInstance(UTF8Type.instance, Int32Type.instance, true));
        regulars.put("n", Int32Type.instance);
        regulars.put("note", UTF8Type.instance);
        regulars.put("v", BytesType.instance);
        return new Shape(UTF8Type.instance, List.of(Int32Type.instance), statics, regulars);
    }

    /** The partitions of one SSTable in token order. */
    List<UnfilteredRowIterator> partitions(int sstable) {
        SortedMap<DecoratedKey, List<Unfiltered>> contents = new TreeMap<>();
        for (int i = 0; i < rows; i++)
            if (sstableOf(i) == sstable)
                contents.computeIfAbsent(key(partitionOf(i)), key -> new ArrayList<>()).addAll(rowAndRange(i));

        List<UnfilteredRowIterator> partitions = new ArrayList<>();
        DecoratedKey deleted = key("deleted-" + sstable);
        contents.put(deleted, List.of());
        contents.forEach((key, unfiltereds) -> partitions.add(table.partition(
                key,
                key.equals(deleted) ? deletion(sstable) : DeletionTime.LIVE,
                key.equals(deleted) ? Rows.EMPTY_STATIC_ROW : staticRow(sstable),
                unfiltereds)));
        return partitions;
    }

    /** The first SSTable gets twice as many rows as each of the others, so that sizes differ. */
    private int sstableOf(int i) {
        return i % (sstables + 1) % sstables;
    }

    /** Every other row of an SSTable goes to the wide partition. */
    private String partitionOf(int i) {
        return i / (sstables + 1) % 2 == 0 ? WIDE : "small-" + i / (2 * ROWS_OF_SMALL_PARTITION);
    }

    private Row staticRow(int sstable) {
        Row.Builder row = BTreeRow.sortedBuilder();
        row.newRow(Clustering.STATIC_CLUSTERING);
        var column = table.column("s");
        row.addCell(sstable == 1
                ? BufferCell.tombstone(column, TIMESTAMP + sstable, NOW)
                : BufferCell.live(column, TIMESTAMP + sstable, bytes("static of sstable " + sstable)));
        return row.build();
    }

    /** Row i, and after some rows a range tombstone in the gap before the next one. */
    private List<Unfiltered> rowAndRange(int i) {
        int clustering = 10 * i;
        List<Unfiltered> unfiltereds = new ArrayList<>();
        unfiltereds.add(row(i, clustering(clustering)));
        if (i % 7 == 3) {
            unfiltereds.add(new RangeTombstoneBoundMarker(
                    ClusteringBound.exclusiveStartOf(clustering(clustering + 1)), deletion(i)));
            unfiltereds.add(new RangeTombstoneBoundMarker(
                    ClusteringBound.inclusiveEndOf(clustering(clustering + 5)), deletion(i)));
        }
        return unfiltereds;
    }

    private Row row(int i, Clustering clustering) {
        Row.Builder row = BTreeRow.sortedBuilder();
        row.newRow(clustering);
        if (i % 17 == 5) {
            row.addRowDeletion(Row.Deletion.regular(deletion(i)));
            return row.build();
        }
        long timestamp = TIMESTAMP + i;
        boolean expires = i % 11 == 4;
        row.addPrimaryKeyLivenessInfo(expires
                ? LivenessInfo.expiring(timestamp, TTL, NOW)
                : LivenessInfo.create(timestamp, NOW));

        // Simple columns before collections, each group by name: the order a sorted builder expects.
        addNumber(row, i, timestamp);
        addSimple(row, "note", timestamp, expires, bytes("note " + i));
        addSimple(row, "v", timestamp, expires, blob(i, blobLength));
        addList(row, i, timestamp);
        addMap(row, i, timestamp);
        return row.build();
    }

    private void addNumber(Row.Builder row, int i, long timestamp) {
        var column = table.column("n");
        if (i % 13 == 6) row.addCell(BufferCell.tombstone(column, timestamp, NOW));
        else row.addCell(BufferCell.live(column, timestamp, bytes(i)));
    }

    private void addSimple(Row.Builder row, String name, long timestamp, boolean expires, ByteBuffer value) {
        var column = table.column(name);
        row.addCell(expires
                ? BufferCell.expiring(column, timestamp, TTL, NOW, value)
                : BufferCell.live(column, timestamp, value));
    }

    /** A list's cells are ordered by time UUIDs, here made from the row number. */
    private void addList(Row.Builder row, int i, long timestamp) {
        if (i % 3 != 0) return;
        var column = table.column("l");
        row.addComplexDeletion(column, Release.deletion(timestamp - 1, NOW));
        for (int element = 0; element < 2; element++) {
            CellPath path = CellPath.create(UUIDGen.toByteBuffer(timeUuid(10L * i + element)));
            row.addCell(BufferCell.live(column, timestamp, bytes("element " + element), path));
        }
    }

    private void addMap(Row.Builder row, int i, long timestamp) {
        if (i % 5 != 0) return;
        var column = table.column("m");
        row.addCell(BufferCell.live(column, timestamp, bytes(i), CellPath.create(bytes("a"))));
        row.addCell(BufferCell.tombstone(column, timestamp, NOW, CellPath.create(bytes("b"))));
        row.addCell(BufferCell.expiring(column, timestamp, TTL, NOW, bytes(-i), CellPath.create(bytes("c"))));
    }

    private static UUID timeUuid(long ticks) {
        long version1 = 0x1000L;
        long variantAndNode = 0x8000_0000_0000_0001L;
        return new UUID(ticks << 32 | version1, variantAndNode);
    }

    /** Bytes that do not compress, the same ones for every i. */
    static ByteBuffer blob(int i, int length) {
        byte[] value = new byte[length];
        SplittableRandom random = new SplittableRandom(i);
        for (int at = 0; at < value.length; at++) value[at] = (byte) random.nextInt(256);
        return ByteBuffer.wrap(value);
    }

    private DecoratedKey key(String name) {
        return table.key(bytes(name));
    }

    private static Clustering clustering(int value) {
        return Clustering.make(bytes(value));
    }

    private static DeletionTime deletion(int i) {
        return Release.deletion(TIMESTAMP + i, NOW + i);
    }
}
