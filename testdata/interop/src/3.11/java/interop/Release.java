package interop;

import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import org.apache.cassandra.config.DatabaseDescriptor;
import org.apache.cassandra.db.ColumnFamilyStore;
import org.apache.cassandra.db.DecoratedKey;
import org.apache.cassandra.db.DeletionTime;
import org.apache.cassandra.db.Slices;
import org.apache.cassandra.db.compaction.Verifier;
import org.apache.cassandra.db.filter.ColumnFilter;
import org.apache.cassandra.db.rows.UnfilteredRowIterator;
import org.apache.cassandra.exceptions.StartupException;
import org.apache.cassandra.io.sstable.Component;
import org.apache.cassandra.io.sstable.Descriptor;
import org.apache.cassandra.io.sstable.SSTableTxnWriter;
import org.apache.cassandra.io.sstable.format.SSTableReader;
import org.apache.cassandra.io.sstable.format.SSTableReadsListener;
import org.apache.cassandra.service.StartupChecks;
import org.apache.cassandra.utils.OutputHandler;

/** What only Cassandra 3.11 does this way. */
public final class Release {
    private Release() {}

    public static File file(Path path) {
        return path.toFile();
    }

    static String settings(String format) {
        if (!format.equals("me")) throw new IllegalArgumentException("3.11 cannot write format " + format);
        // 3.11 cannot unmap files on Java 9 and later; without this it would keep every one mapped.
        return "disk_access_mode: standard\n";
    }

    static void startOffline() {
        DatabaseDescriptor.toolInitialization();
    }

    /** The one of a node's checks at start that looks at the files in its data directories. */
    static void checkFileNames() {
        try {
            StartupChecks.checkSSTablesFormat.execute();
        } catch (StartupException e) {
            throw new IllegalStateException(e);
        }
    }

    static DeletionTime deletion(long timestamp, int seconds) {
        return new DeletionTime(timestamp, seconds);
    }

    static SSTableTxnWriter writer(Table table, Path folder, int generation) {
        Descriptor sstable = new Descriptor(
                file(folder), table.metadata.ksName, table.metadata.cfName, generation);
        Component digest = Component.digestFor(sstable.version.uncompressedChecksumType());
        return SSTableTxnWriter.create(
                table.metadata, sstable.withDigestComponent(digest), 0, 0, 0, table.header(), List.of());
    }

    static SSTableReader openAsNode(ColumnFamilyStore store, Descriptor sstable, Set<Component> components) throws IOException {
        return SSTableReader.open(sstable, components, store.metadata, true, false);
    }

    static void verifyExtended(ColumnFamilyStore store, SSTableReader reader) {
        boolean extended = true;
        try (Verifier verifier = new Verifier(store, reader, new OutputHandler.LogOutput(), true)) {
            verifier.verify(extended);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    static UnfilteredRowIterator rows(
            Table table, SSTableReader reader, DecoratedKey key, Slices slices, boolean reversed) {
        return reader.iterator(
                key, slices, ColumnFilter.all(table.metadata), reversed, false, SSTableReadsListener.NOOP_LISTENER);
    }
}
