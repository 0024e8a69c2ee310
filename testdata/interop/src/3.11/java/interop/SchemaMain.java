package interop;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.UUID;
import org.apache.cassandra.config.CFMetaData;
import org.apache.cassandra.db.DecoratedKey;
import org.apache.cassandra.db.Mutation;
import org.apache.cassandra.db.SerializationHeader;
import org.apache.cassandra.db.partitions.PartitionUpdate;
import org.apache.cassandra.db.rows.EncodingStats;
import org.apache.cassandra.io.sstable.Component;
import org.apache.cassandra.io.sstable.Descriptor;
import org.apache.cassandra.io.sstable.SSTableTxnWriter;
import org.apache.cassandra.schema.CompressionParams;
import org.apache.cassandra.schema.IndexMetadata;
import org.apache.cassandra.schema.Indexes;
import org.apache.cassandra.schema.KeyspaceMetadata;
import org.apache.cassandra.schema.KeyspaceParams;
import org.apache.cassandra.schema.SchemaKeyspace;
import org.apache.cassandra.schema.Tables;

/**
 * Writes the schema tables that a node of 3.11 would have after some changes, by the mutations that its own
 * code makes of them, and what has to be found there. The daemon of 3.11 does not run on Java 17, so
 * there is no CQL to ask: the expectation is of the definitions themselves. Arguments as in 5.0, but for
 * the changes, which are here: {@code FOLDER FORMAT STATEMENTS EXPECTED}.
 */
public final class SchemaMain {
    private final Path data;
    private final List<PartitionUpdate> pending = new ArrayList<>();
    private final Map<String, KeyspaceMetadata> keyspaces = new TreeMap<>();
    private long clock = Content.TIMESTAMP;
    private int generation;

    private SchemaMain(Path data) {
        this.data = data;
    }

    public static void main(String[] args) {
        boolean ok = false;
        try {
            Path folder = Files.createDirectories(Path.of(args[0])).toRealPath();
            Settings.useFor(args[1]);
            Release.startOffline();
            SchemaMain schema = new SchemaMain(folder.resolve("data"));
            schema.change();
            Files.writeString(Path.of(args[3]), schema.expectation());
            ok = true;
        } catch (Throwable e) {
            e.printStackTrace();
        }
        Runtime.getRuntime().halt(ok ? 0 : 1);
    }

    private void change() throws IOException {
        create("app", true);
        create("MixedCase", false);
        create("again", true);
        create("away", true);
        table("app", "CREATE TABLE users (id uuid PRIMARY KEY, email text)", "LZ4Compressor", "16");
        table("app", "CREATE TABLE events (day int, at timeuuid, body blob, PRIMARY KEY (day, at))", "DeflateCompressor", "64");
        table("app", "CREATE TABLE dropped (k int PRIMARY KEY, v text)", "SnappyCompressor", "64");
        table("MixedCase", "CREATE TABLE \"Table\" (\"Key\" text PRIMARY KEY, v int)", "LZ4Compressor", "4");
        table("again", "CREATE TABLE t (k int PRIMARY KEY, v int)", "DeflateCompressor", "64");
        table("away", "CREATE TABLE t (k int PRIMARY KEY, v int)", "DeflateCompressor", "64");
        flush();
        compress("app", "users", "LZ4Compressor", "32");
        compress("app", "events", null, null);
        index("app", "users", "by_email", "email");
        drop("app", "dropped");
        drop("again");
        drop("away");
        flush();
        create("again", true);
        table("again", "CREATE TABLE t (k int PRIMARY KEY, w int)", "LZ4Compressor", "4");
        table("app", "CREATE TABLE last (k int PRIMARY KEY)", "LZ4Compressor", "64");
        flush();
    }

    private void create(String name, boolean durable) {
        Map<String, String> replication = Map.of(
                "class", "org.apache.cassandra.locator.SimpleStrategy", "replication_factor", "1");
        KeyspaceMetadata keyspace = KeyspaceMetadata.create(name, KeyspaceParams.create(durable, replication));
        keyspaces.put(name, keyspace);
        add(SchemaKeyspace.makeCreateKeyspaceMutation(keyspace, ++clock));
    }

    private void drop(String name) {
        add(SchemaKeyspace.makeDropKeyspaceMutation(keyspaces.remove(name), ++clock));
    }

    private void table(String keyspace, String cql, String compressor, String kib) {
        // A time-UUID, as of a node, and another one each time.
        UUID id = new UUID(++clock << 32 | 0x11f1, 0x9f3e792859d42bd1L);
        CFMetaData table = CFMetaData.compile(cql, keyspace).copy(id).compression(compression(compressor, kib));
        KeyspaceMetadata of = keyspaces.get(keyspace);
        add(SchemaKeyspace.makeCreateTableMutation(of, table, ++clock));
        keyspaces.put(keyspace, of.withSwapped(of.tables.with(table)));
    }

    private void compress(String keyspace, String name, String compressor, String kib) {
        CFMetaData old = keyspaces.get(keyspace).tables.getNullable(name);
        update(keyspace, old, old.copy().compression(compression(compressor, kib)));
    }

    private void index(String keyspace, String name, String index, String column) {
        CFMetaData old = keyspaces.get(keyspace).tables.getNullable(name);
        IndexMetadata added = IndexMetadata.fromSchemaMetadata(
                index, IndexMetadata.Kind.COMPOSITES, Map.of("target", column));
        update(keyspace, old, old.copy().indexes(Indexes.none().with(added)));
    }

    private void update(String keyspace, CFMetaData from, CFMetaData to) {
        KeyspaceMetadata of = keyspaces.get(keyspace);
        add(SchemaKeyspace.makeUpdateTableMutation(of, from, to, ++clock));
        keyspaces.put(keyspace, of.withSwapped(of.tables.without(from.cfName).with(to)));
    }

    private void drop(String keyspace, String name) {
        KeyspaceMetadata of = keyspaces.get(keyspace);
        add(SchemaKeyspace.makeDropTableMutation(of, of.tables.getNullable(name), ++clock));
        keyspaces.put(keyspace, of.withSwapped(of.tables.without(name)));
    }

    private static CompressionParams compression(String compressor, String kib) {
        return compressor == null
                ? CompressionParams.noCompression()
                : CompressionParams.fromMap(Map.of("class", compressor, "chunk_length_in_kb", kib));
    }

    private void add(Mutation.SimpleBuilder mutation) {
        pending.addAll(mutation.build().getPartitionUpdates());
    }

    /** An SSTable of each table that has changed. */
    private void flush() throws IOException {
        Map<UUID, Map<DecoratedKey, List<PartitionUpdate>>> tables = new TreeMap<>();
        for (PartitionUpdate update : pending)
            tables.computeIfAbsent(update.metadata().cfId, any -> new TreeMap<>())
                    .computeIfAbsent(update.partitionKey(), any -> new ArrayList<>())
                    .add(update);
        pending.clear();
        generation++;
        for (Map<DecoratedKey, List<PartitionUpdate>> table : tables.values()) {
            CFMetaData metadata = table.values().iterator().next().get(0).metadata();
            String name = metadata.cfName + "-" + metadata.cfId.toString().replace("-", "");
            Path folder = Files.createDirectories(data.resolve(metadata.ksName).resolve(name));
            Descriptor sstable =
                    new Descriptor(Release.file(folder), metadata.ksName, metadata.cfName, generation);
            Component digest = Component.digestFor(sstable.version.uncompressedChecksumType());
            SerializationHeader header =
                    new SerializationHeader(true, metadata, metadata.partitionColumns(), EncodingStats.NO_STATS);
            try (SSTableTxnWriter writer = SSTableTxnWriter.create(
                    metadata, sstable.withDigestComponent(digest), 0, 0, 0, header, List.of())) {
                for (List<PartitionUpdate> updates : table.values())
                    writer.append(PartitionUpdate.merge(updates).unfilteredIterator());
                writer.finish(false);
            }
        }
    }

    private String expectation() {
        List<String> tables = new ArrayList<>();
        List<String> indexes = new ArrayList<>();
        List<String> all = new ArrayList<>();
        for (KeyspaceMetadata keyspace : keyspaces.values()) {
            all.add("{\"keyspace_name\": \"" + keyspace.name + "\", \"durable_writes\": "
                    + keyspace.params.durableWrites + ", \"replication\": " + json(keyspace.params.replication.asMap())
                    + "}");
            for (CFMetaData table : keyspace.tables) {
                tables.add("{\"keyspace_name\": \"" + keyspace.name + "\", \"table_name\": \"" + table.cfName
                        + "\", \"id\": \"" + table.cfId + "\", \"compression\": "
                        + json(table.params.compression.asMap()) + "}");
                for (IndexMetadata index : table.getIndexes())
                    indexes.add("{\"keyspace_name\": \"" + keyspace.name + "\", \"table_name\": \"" + table.cfName
                            + "\", \"index_name\": \"" + index.name + "\", \"kind\": \"" + index.kind
                            + "\", \"options\": " + json(index.options) + "}");
            }
        }
        return "{\n" + String.join(",\n",
                rows("system_schema.keyspaces", all),
                rows("system_schema.tables", tables),
                rows("system_schema.views", Collections.emptyList()),
                rows("system_schema.indexes", indexes),
                rows("system_schema.dropped_columns", Collections.emptyList()),
                rows("system_schema.types", Collections.emptyList())) + "\n}\n";
    }

    private static String rows(String table, List<String> rows) {
        return "  \"" + table + "\": [" + (rows.isEmpty() ? "" : "\n    " + String.join(",\n    ", rows) + "\n  ") + "]";
    }

    private static String json(Map<String, String> map) {
        List<String> pairs = new ArrayList<>();
        new TreeMap<>(map).forEach((key, value) -> pairs.add("\"" + key + "\": \"" + value + "\""));
        return "{" + String.join(", ", pairs) + "}";
    }
}
