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
import org.apache.cassandra.db.filter.ColumnFilter;
import org.apache.cassandra.db.rows.UnfilteredRowIterator;
import org.apache.cassandra.exceptions.StartupException;
import org.apache.cassandra.io.sstable.Component;
import org.apache.cassandra.io.sstable.Descriptor;
import org.apache.cassandra.io.sstable.IVerifier;
import org.apache.cassandra.io.sstable.SSTableReadsListener;
import org.apache.cassandra.io.sstable.SSTableTxnWriter;
import org.apache.cassandra.io.sstable.SequenceBasedSSTableId;
import org.apache.cassandra.io.sstable.format.SSTableReader;
import org.apache.cassandra.io.util.File;
import org.apache.cassandra.service.StartupChecks;
import org.apache.cassandra.utils.OutputHandler;

/** What only Cassandra 5.0 does this way. */
public final class Release {
    private Release() {}

    public static File file(Path path) {
        return new File(path);
    }

    /** Format nb is what 5.0 writes while it still has to get along with 4.x nodes. */
    static String settings(String format) {
        switch (format) {
            case "nb":
                return "storage_compatibility_mode: CASSANDRA_4\n";
            case "oa":
                return "storage_compatibility_mode: NONE\n";
            case "da":
                return "storage_compatibility_mode: NONE\nsstable: {selected_format: bti}\n";
            default:
                throw new IllegalArgumentException("5.0 cannot write format " + format);
        }
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
        return DeletionTime.build(timestamp, seconds);
    }

    static SSTableTxnWriter writer(Table table, Path folder, int generation) {
        Descriptor sstable = new Descriptor(
                file(folder), table.metadata.keyspace, table.metadata.name, new SequenceBasedSSTableId(generation));
        return SSTableTxnWriter.create(
                table.reference(), sstable, 0, 0, null, false, table.header(), List.of(), null);
    }

    static SSTableReader openAsNode(ColumnFamilyStore store, Descriptor sstable, Set<Component> components) {
        return SSTableReader.open(store, sstable, components, store.metadata, true, false);
    }

    static void verifyExtended(ColumnFamilyStore store, SSTableReader reader) {
        IVerifier.Options options = IVerifier.options().extendedVerification(true).build();
        try (IVerifier verifier = reader.getVerifier(store, new OutputHandler.LogOutput(), true, options)) {
            verifier.verify();
        }
    }

    static UnfilteredRowIterator rows(
            Table table, SSTableReader reader, DecoratedKey key, Slices slices, boolean reversed) {
        return reader.rowIterator(
                key, slices, ColumnFilter.all(table.metadata), reversed, SSTableReadsListener.NOOP_LISTENER);
    }
}
