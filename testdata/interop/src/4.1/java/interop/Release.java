package interop;

import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import org.apache.cassandra.config.DatabaseDescriptor;
import org.apache.cassandra.config.StartupChecksOptions;
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
import org.apache.cassandra.io.sstable.SequenceBasedSSTableId;
import org.apache.cassandra.io.sstable.format.SSTableReader;
import org.apache.cassandra.io.sstable.format.SSTableReadsListener;
import org.apache.cassandra.io.util.File;
import org.apache.cassandra.service.StartupChecks;
import org.apache.cassandra.utils.OutputHandler;

/** What only Cassandra 4.1 does this way. */
public final class Release {
    private Release() {}

    public static File file(Path path) {
        return new File(path);
    }

    static String settings(String format) {
        if (!format.equals("nb")) throw new IllegalArgumentException("4.1 cannot write format " + format);
        return "";
    }

    static void startOffline() {
        DatabaseDescriptor.toolInitialization();
    }

    /** The one of a node's checks at start that looks at the files in its data directories. */
    static void checkFileNames() {
        try {
            StartupChecks.checkSSTablesFormat.execute(new StartupChecksOptions());
        } catch (StartupException e) {
            throw new IllegalStateException(e);
        }
    }

    static DeletionTime deletion(long timestamp, int seconds) {
        return new DeletionTime(timestamp, seconds);
    }

    static SSTableTxnWriter writer(Table table, Path folder, int generation) {
        Descriptor sstable = new Descriptor(
                file(folder), table.metadata.keyspace, table.metadata.name, new SequenceBasedSSTableId(generation));
        return SSTableTxnWriter.create(
                table.reference(), sstable, 0, 0, null, false, 0, table.header(), List.of());
    }

    static SSTableReader openAsNode(ColumnFamilyStore store, Descriptor sstable, Set<Component> components) {
        return SSTableReader.open(sstable, components, store.metadata, true, false);
    }

    static void verifyExtended(ColumnFamilyStore store, SSTableReader reader) {
        Verifier.Options options = Verifier.options().extendedVerification(true).build();
        try (Verifier verifier = new Verifier(store, reader, new OutputHandler.LogOutput(), true, options)) {
            verifier.verify();
        }
    }

    static UnfilteredRowIterator rows(
            Table table, SSTableReader reader, DecoratedKey key, Slices slices, boolean reversed) {
        return reader.rowIterator(
                key, slices, ColumnFilter.all(table.metadata), reversed, SSTableReadsListener.NOOP_LISTENER);
    }
}
