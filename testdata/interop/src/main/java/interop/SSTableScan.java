package interop;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import org.apache.cassandra.db.Clustering;
import org.apache.cassandra.db.DecoratedKey;
import org.apache.cassandra.db.Slice;
import org.apache.cassandra.db.Slices;
import org.apache.cassandra.db.rows.Row;
import org.apache.cassandra.db.rows.Unfiltered;
import org.apache.cassandra.db.rows.UnfilteredRowIterator;
import org.apache.cassandra.io.sstable.ISSTableScanner;
import org.apache.cassandra.io.sstable.format.SSTableReader;

/**
 * Reads one SSTable from front to back, then again through its indexes, and compares.
 *
 * <p>The second half is there because the verifier does not look at everything: a wrong offset in a
 * BTI index passes it.
 */
final class SSTableScan {
    private static final int MOST_LOOKUPS = 50;

    private final Table table;
    private final SSTableReader reader;
    private final ContentHash all = new ContentHash();
    private final List<Partition> partitions = new ArrayList<>();
    private long rows;
    private long markers;
    private String hash;

    /** A partition as the scan saw it. */
    private static final class Partition {
        final DecoratedKey key;
        final List<Clustering> clusterings = new ArrayList<>();
        final List<String> rowHashes = new ArrayList<>();

        Partition(DecoratedKey key) {
            this.key = key;
        }
    }

    SSTableScan(Table table, SSTableReader reader) {
        this.table = table;
        this.reader = reader;
    }

    void run() {
        scan();
        hash = all.finish();
        for (Partition partition : sample(partitions)) lookUp(partition);
    }

    String hash() {
        return hash;
    }

    long rows() {
        return rows;
    }

    long markers() {
        return markers;
    }

    private void scan() {
        try (ISSTableScanner scanner = reader.getScanner()) {
            while (scanner.hasNext()) {
                try (UnfilteredRowIterator partition = scanner.next()) {
                    scan(partition);
                }
            }
        }
    }

    private void scan(UnfilteredRowIterator partition) {
        Partition seen = new Partition(partition.partitionKey());
        all.addBytes(seen.key.getKey());
        all.addDeletion(partition.partitionLevelDeletion());
        all.addRow(partition.staticRow());
        while (partition.hasNext()) {
            Unfiltered unfiltered = partition.next();
            all.addUnfiltered(unfiltered);
            if (unfiltered.kind() == Unfiltered.Kind.ROW) {
                rows++;
                seen.clusterings.add(((Row) unfiltered).clustering());
                seen.rowHashes.add(rowHash((Row) unfiltered));
            } else {
                markers++;
            }
        }
        partitions.add(seen);
    }

    private void lookUp(Partition partition) {
        require(rowHashes(partition.key, Slices.ALL, false), partition.rowHashes, "forward read", partition);
        List<String> backwards = rowHashes(partition.key, Slices.ALL, true);
        Collections.reverse(backwards);
        require(backwards, partition.rowHashes, "backward read", partition);
        List<Integer> indices = new ArrayList<>();
        for (int i = 0; i < partition.clusterings.size(); i++) indices.add(i);
        for (int i : sample(indices)) {
            Slices one = Slices.with(table.metadata.comparator, Slice.make(partition.clusterings.get(i)));
            List<String> expected = List.of(partition.rowHashes.get(i));
            require(rowHashes(partition.key, one, false), expected, "forward slice", partition);
            require(rowHashes(partition.key, one, true), expected, "backward slice", partition);
        }
    }

    private List<String> rowHashes(DecoratedKey key, Slices slices, boolean reversed) {
        List<String> hashes = new ArrayList<>();
        try (UnfilteredRowIterator rows = Release.rows(table, reader, key, slices, reversed)) {
            while (rows.hasNext()) {
                Unfiltered unfiltered = rows.next();
                if (unfiltered.kind() == Unfiltered.Kind.ROW) hashes.add(rowHash((Row) unfiltered));
            }
        }
        return hashes;
    }

    private static String rowHash(Row row) {
        ContentHash hash = new ContentHash();
        hash.addRow(row);
        return hash.finish();
    }

    private static void require(List<String> found, List<String> expected, String what, Partition partition) {
        if (!found.equals(expected))
            throw new IllegalStateException(what + " of partition " + partition.key + " found " + found.size()
                    + " rows that are not the " + expected.size() + " of the scan");
    }

    /** At most {@value #MOST_LOOKUPS} elements, evenly spread, with the first and the last. */
    private static <T> List<T> sample(List<T> from) {
        if (from.size() <= MOST_LOOKUPS) return from;
        List<T> chosen = new ArrayList<>();
        for (int i = 0; i < MOST_LOOKUPS; i++)
            chosen.add(from.get((int) ((long) i * (from.size() - 1) / (MOST_LOOKUPS - 1))));
        return chosen;
    }
}
