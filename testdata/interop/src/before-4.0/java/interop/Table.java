package interop;

import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import org.apache.cassandra.config.CFMetaData;
import org.apache.cassandra.config.ColumnDefinition;
import org.apache.cassandra.db.ClusteringPrefix;
import org.apache.cassandra.db.ColumnFamilyStore;
import org.apache.cassandra.db.DecoratedKey;
import org.apache.cassandra.db.DeletionTime;
import org.apache.cassandra.db.Directories;
import org.apache.cassandra.db.Keyspace;
import org.apache.cassandra.db.SerializationHeader;
import org.apache.cassandra.db.rows.AbstractUnfilteredRowIterator;
import org.apache.cassandra.db.rows.Cell;
import org.apache.cassandra.db.rows.EncodingStats;
import org.apache.cassandra.db.rows.Row;
import org.apache.cassandra.db.rows.Unfiltered;
import org.apache.cassandra.db.rows.UnfilteredRowIterator;
import org.apache.cassandra.dht.Murmur3Partitioner;
import org.apache.cassandra.io.sstable.Component;
import org.apache.cassandra.io.sstable.Descriptor;
import org.apache.cassandra.schema.CompressionParams;
import org.apache.cassandra.schema.KeyspaceMetadata;
import org.apache.cassandra.schema.KeyspaceParams;
import org.apache.cassandra.utils.ByteBufferUtil;

/** A table definition in the terms of Cassandra 3.11. */
final class Table {
    private static final EncodingStats STATS = new EncodingStats(Content.TIMESTAMP, Content.NOW, 0);

    final CFMetaData metadata;

    private Table(CFMetaData metadata) {
        this.metadata = metadata;
    }

    static Table define(String keyspace, String name, UUID id, Shape shape, Map<String, String> compression) {
        CFMetaData.Builder table = CFMetaData.Builder.create(keyspace, name)
                .withId(id)
                .withPartitioner(Murmur3Partitioner.instance)
                .addPartitionKey("pk", shape.partitionKey);
        for (int i = 0; i < shape.clusterings.size(); i++)
            table.addClusteringColumn("ck" + i, shape.clusterings.get(i));
        shape.statics.forEach(table::addStaticColumn);
        shape.regulars.forEach(table::addRegularColumn);
        return new Table(table.build().compression(compression.isEmpty()
                ? CompressionParams.noCompression()
                : CompressionParams.fromMap(compression)));
    }

    static ByteBuffer value(Cell cell) {
        return cell.value();
    }

    static ByteBuffer value(ClusteringPrefix clustering, int i) {
        return clustering.get(i);
    }

    ColumnDefinition column(String name) {
        return metadata.getColumnDefinition(ByteBufferUtil.bytes(name));
    }

    DecoratedKey key(ByteBuffer key) {
        return metadata.decorateKey(key);
    }

    /** The header with which the rows of {@link #partition} are written. */
    SerializationHeader header() {
        return new SerializationHeader(true, metadata, metadata.partitionColumns(), STATS);
    }

    UnfilteredRowIterator partition(DecoratedKey key, DeletionTime deletion, Row staticRow, List<Unfiltered> rows) {
        Iterator<Unfiltered> remaining = rows.iterator();
        return new AbstractUnfilteredRowIterator(
                metadata, key, deletion, metadata.partitionColumns(), staticRow, false, STATS) {
            @Override
            protected Unfiltered computeNext() {
                return remaining.hasNext() ? remaining.next() : endOfData();
            }
        };
    }

    /** What the database finds in the table's folder; an undecided transaction log is an error. */
    Map<Descriptor, Set<Component>> sstables(Path dataDirectory) {
        return directories(dataDirectory).sstableLister(Directories.OnTxnErr.THROW).list();
    }

    /** A store for offline use, without a registered schema. */
    ColumnFamilyStore store(Path dataDirectory) {
        Keyspace keyspace = Keyspace.mockKS(KeyspaceMetadata.create(metadata.ksName, KeyspaceParams.local()));
        return ColumnFamilyStore.createColumnFamilyStore(
                keyspace, metadata.cfName, metadata, directories(dataDirectory), false, false, true);
    }

    private Directories directories(Path dataDirectory) {
        Directories.DataDirectory[] one = {new Directories.DataDirectory(Release.file(dataDirectory))};
        return new Directories(metadata, one);
    }
}
