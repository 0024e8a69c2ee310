package interop;

import static org.apache.cassandra.utils.ByteBufferUtil.bytes;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.UUID;
import org.apache.cassandra.db.Clustering;
import org.apache.cassandra.db.ClusteringBound;
import org.apache.cassandra.db.ColumnFamilyStore;
import org.apache.cassandra.db.DecoratedKey;
import org.apache.cassandra.db.DeletionTime;
import org.apache.cassandra.db.LivenessInfo;
import org.apache.cassandra.db.Slice;
import org.apache.cassandra.db.Slices;
import org.apache.cassandra.db.marshal.BytesType;
import org.apache.cassandra.db.marshal.UTF8Type;
import org.apache.cassandra.db.rows.BTreeRow;
import org.apache.cassandra.db.rows.BufferCell;
import org.apache.cassandra.db.rows.RangeTombstoneBoundMarker;
import org.apache.cassandra.db.rows.Row;
import org.apache.cassandra.db.rows.Rows;
import org.apache.cassandra.db.rows.Unfiltered;
import org.apache.cassandra.db.rows.UnfilteredRowIterator;
import org.apache.cassandra.io.sstable.Component;
import org.apache.cassandra.io.sstable.Descriptor;
import org.apache.cassandra.io.sstable.ISSTableScanner;
import org.apache.cassandra.io.sstable.SSTableTxnWriter;
import org.apache.cassandra.io.sstable.format.SSTableReader;

/**
 * SSTables whose trie indices have everything that an index can have, and reads that depend on every part of them.
 *
 * <ul>
 *   <li>{@code tries data= kind=narrow|wide|middle|long partitions=}: writes one uncompressed SSTable.
 *   <li>{@code probe data= partitions= slices=}: its content, the extended verifier, and look-ups of so many of its
 *       partitions: by their keys, by keys that it has not, and by so many slices of their rows in both directions.
 *       The result has a hash of the content and one of all that the look-ups found, which depends on the keys alone.
 * </ul>
 */
public final class TrieMain {
    private static final String KEYSPACE = "rk";
    private static final String TABLE = "tries";
    private static final UUID ID = UUID.fromString("5ab1e000-0000-11f0-8000-0000000000aa");

    private TrieMain() {}

    public static void main(String[] args) throws Exception {
        Path settings = Settings.useFor("da");
        Release.startOffline();
        boolean allOk = Batch.run(TrieMain::dispatch);
        Settings.delete(settings);
        System.out.flush();
        Runtime.getRuntime().halt(allOk ? 0 : 1);
    }

    private static void dispatch(Command command, Result result) throws IOException {
        switch (command.name) {
            case "tries":
                write(command, result);
                break;
            case "probe":
                probe(command, result);
                break;
            default:
                throw new IllegalArgumentException("unknown command " + command.name);
        }
    }

    private static Table table() {
        Shape shape = new Shape(
                BytesType.instance,
                List.of(UTF8Type.instance),
                new TreeMap<>(Map.of("s", UTF8Type.instance)),
                new TreeMap<>(Map.of("v", BytesType.instance)));
        return Table.define(KEYSPACE, TABLE, ID, shape, Map.of());
    }

    private static Path folder(Command command) {
        return Path.of(command.required("data"), KEYSPACE, TABLE + "-" + ID.toString().replace("-", ""));
    }

    // ---- writing

    private static void write(Command command, Result result) throws IOException {
        Path folder = Files.createDirectories(folder(command)).toRealPath();
        String kind = command.required("kind");
        int partitions = command.number("partitions", 1000);
        Table table = table();
        TreeMap<DecoratedKey, Integer> keys = new TreeMap<>();
        for (int i = 0; i < partitions; i++) keys.put(table.key(key(kind, i)), i);
        try (SSTableTxnWriter writer = Release.writer(table, folder, 1)) {
            for (Map.Entry<DecoratedKey, Integer> partition : keys.entrySet())
                writer.append(partition(table, kind, partition.getKey(), partition.getValue()));
            writer.finish(false);
        }
        result.put("partitions", keys.size());
        result.put("folder", folder);
    }

    /** Bytes of a key: a few, about a page of an index, or as many as there can be. */
    private static ByteBuffer key(String kind, int i) {
        ByteBuffer number = bytes("key-" + i);
        int length;
        switch (kind) {
            case "middle":
                length = 1 + i * 37 % 3500;
                break;
            case "long":
                length = i % 5 == 0 ? 65_535 - i : 1 + i * 641 % 65_535;
                break;
            default:
                return number;
        }
        ByteBuffer key = ByteBuffer.allocate(Math.max(length, number.remaining()));
        key.put(number.duplicate());
        key.put(Content.blob(i, key.remaining()));
        return key.flip();
    }

    private static UnfilteredRowIterator partition(Table table, String kind, DecoratedKey key, int i) {
        int rows;
        int blob;
        switch (kind) {
            case "narrow":
                rows = 1;
                blob = 20;
                break;
            case "wide":
                rows = i == 0 ? 40_000 : i % 3 == 0 ? 1 : 40 * i;
                blob = 700;
                break;
            default:
                rows = i % 3 + 1;
                blob = 20_000;
        }
        boolean isDeleted = !kind.equals("narrow") && i % 4 == 1;
        List<String> names = new ArrayList<>();
        for (int row = 0; row < rows; row++) names.add(name(row));
        Collections.sort(names);
        List<Unfiltered> unfiltereds = new ArrayList<>();
        for (int row = 0; row < rows; row++) {
            unfiltereds.add(row(table, names.get(row), blob, i + row));
            if (row % 90 != 13 || row + 1 >= rows) continue;
            // A range that stays open over some blocks of the index.
            DeletionTime deletion = Release.deletion(Content.TIMESTAMP - 1000 + row, Content.NOW);
            unfiltereds.add(new RangeTombstoneBoundMarker(
                    ClusteringBound.exclusiveStartOf(clustering(names.get(row))), deletion));
            int covered = Math.min(60, rows - row - 1);
            for (int more = 0; more < covered; more++)
                unfiltereds.add(row(table, names.get(++row), blob, i + row));
            unfiltereds.add(new RangeTombstoneBoundMarker(
                    ClusteringBound.inclusiveEndOf(clustering(names.get(row) + "~")), deletion));
        }
        DeletionTime deletion =
                isDeleted ? Release.deletion(Content.TIMESTAMP - 100_000, Content.NOW) : DeletionTime.LIVE;
        return table.partition(key, deletion, staticRow(table, kind, i), unfiltereds);
    }

    /** Names with long beginnings in common, in another order than their numbers. */
    private static String name(int row) {
        return "a beginning that all have/" + "sub".repeat(row % 7000 / 1000) + row / 100 % 10 + "/"
                + String.format("%08d", row);
    }

    private static Row staticRow(Table table, String kind, int i) {
        if (kind.equals("narrow") || i % 2 == 0) return Rows.EMPTY_STATIC_ROW;
        Row.Builder row = BTreeRow.sortedBuilder();
        row.newRow(Clustering.STATIC_CLUSTERING);
        row.addCell(BufferCell.live(table.column("s"), Content.TIMESTAMP, bytes("static of " + i)));
        return row.build();
    }

    private static Row row(Table table, String name, int blob, int seed) {
        Row.Builder row = BTreeRow.sortedBuilder();
        row.newRow(clustering(name));
        row.addPrimaryKeyLivenessInfo(LivenessInfo.create(Content.TIMESTAMP, Content.NOW));
        row.addCell(BufferCell.live(table.column("v"), Content.TIMESTAMP, Content.blob(seed, blob)));
        return row.build();
    }

    private static Clustering<?> clustering(String name) {
        return Clustering.make(bytes(name));
    }

    // ---- reading

    private static void probe(Command command, Result result) throws IOException {
        Path data = Path.of(command.required("data")).toRealPath();
        Table table = table();
        ColumnFamilyStore store = table.store(data);
        ContentHash all = new ContentHash();
        ContentHash found = new ContentHash();
        long reads = 0;
        int sstables = 0;
        for (Map.Entry<Descriptor, Set<Component>> sstable : table.sstables(data).entrySet()) {
            SSTableReader reader = SSTableReader.openNoValidation(sstable.getKey(), sstable.getValue(), store);
            try {
                Release.verifyExtended(store, reader);
                List<DecoratedKey> keys = scan(reader, all);
                reads += lookUps(table, reader, keys, command, found);
                sstables++;
            } finally {
                reader.selfRef().release();
            }
        }
        result.put("sstables", sstables);
        result.put("reads", reads);
        result.put("hash", all.finish());
        result.put("found", found.finish());
        result.expect(command, "hash", "found", "sstables");
    }

    private static List<DecoratedKey> scan(SSTableReader reader, ContentHash all) {
        List<DecoratedKey> keys = new ArrayList<>();
        try (ISSTableScanner scanner = reader.getScanner()) {
            while (scanner.hasNext()) {
                try (UnfilteredRowIterator partition = scanner.next()) {
                    keys.add(partition.partitionKey());
                    all.addBytes(partition.partitionKey().getKey());
                    add(partition, all);
                }
            }
        }
        return keys;
    }

    private static long add(UnfilteredRowIterator partition, ContentHash hash) {
        long rows = 0;
        hash.addDeletion(partition.partitionLevelDeletion());
        hash.addRow(partition.staticRow());
        while (partition.hasNext()) {
            hash.addUnfiltered(partition.next());
            rows++;
        }
        return rows;
    }

    private static long lookUps(
            Table table, SSTableReader reader, List<DecoratedKey> keys, Command command, ContentHash found) {
        int partitions = command.number("partitions", 1000);
        int slices = command.number("slices", 20);
        int step = Math.max(1, keys.size() / partitions);
        Set<DecoratedKey> present = new TreeSet<>(keys);
        long reads = 0;
        for (int at = 0; at < keys.size(); at += step) {
            DecoratedKey key = keys.get(at);
            // Most look-ups of the whole partition.
            for (boolean reversed : new boolean[] {false, true}) {
                long rows = read(table, reader, key, Slices.ALL, reversed, found);
                if (rows == 0) throw new IllegalStateException("a key that is there is not found");
                reads++;
            }
            // A key near it that is not there; its filter may say so, and then no index is asked.
            for (int other = 0; other < 4; other++) {
                ByteBuffer absent = ByteBuffer.allocate(key.getKey().remaining() + 1);
                absent.put(key.getKey().duplicate()).put((byte) other).flip();
                if (absent.remaining() > 65_535 || present.contains(table.key(absent))) continue;
                if (read(table, reader, table.key(absent), Slices.ALL, false, found) != 0)
                    throw new IllegalStateException("a key that is not there is found");
                reads++;
            }
            SplittableRandom random = new SplittableRandom(at);
            for (int i = 0; i < slices; i++) {
                int from = i % 3 == 0 ? random.nextInt(60) : random.nextInt(42_000);
                int to = from + (i % 2 == 0 ? 0 : random.nextInt(200));
                // Bounds that are rows, and some that lie between two.
                Clustering<?> start = clustering(name(from) + (i % 5 == 4 ? "!" : ""));
                Clustering<?> end = clustering(name(to) + (i % 7 == 6 ? "!" : ""));
                if (table.metadata.comparator.compare(start, end) > 0) {
                    Clustering<?> swap = start;
                    start = end;
                    end = swap;
                }
                Slices one = Slices.with(table.metadata.comparator, Slice.make(start, end));
                for (boolean reversed : new boolean[] {false, true}) {
                    read(table, reader, key, one, reversed, found);
                    reads++;
                }
            }
        }
        return reads;
    }

    private static long read(
            Table table, SSTableReader reader, DecoratedKey key, Slices slices, boolean reversed, ContentHash found) {
        try (UnfilteredRowIterator rows = Release.rows(table, reader, key, slices, reversed)) {
            return add(rows, found);
        }
    }
}
