package interop;

import com.datastax.driver.core.Cluster;
import com.datastax.driver.core.Row;
import com.datastax.driver.core.Session;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.apache.cassandra.service.CassandraDaemon;
import org.apache.cassandra.service.StorageService;

/**
 * Starts a real node, changes its schema in several steps, each flushed and none compacted, and writes
 * down what CQL says of the schema at the end. One node per JVM: {@code FOLDER FORMAT STATEMENTS EXPECTED}.
 *
 * <p>STATEMENTS is a file of CQL statements, one a line; a line {@code --} ends a step. EXPECTED becomes a JSON
 * object of the rows of each table of the schema, and of {@code system.local}, as {@code SELECT JSON}
 * gives them.
 */
public final class SchemaMain {
    private static final String[] TABLES = {
        "system_schema.keyspaces", "system_schema.tables", "system_schema.views", "system_schema.indexes",
        "system_schema.dropped_columns", "system_schema.types", "system.local"
    };

    private SchemaMain() {}

    public static void main(String[] args) {
        boolean ok = false;
        try {
            run(Path.of(args[0]), args[1], Path.of(args[2]), Path.of(args[3]));
            ok = true;
        } catch (Throwable e) {
            // A node that does not start may throw anything.
            e.printStackTrace();
        }
        Runtime.getRuntime().halt(ok ? 0 : 1);
    }

    private static void run(Path where, String format, Path statements, Path expected) throws Exception {
        Path folder = Files.createDirectories(where).toRealPath();
        int port = freePort();
        Settings.useForNode(folder, format, String.join("\n",
                "storage_port: " + freePort(),
                "native_transport_port: " + port,
                "num_tokens: 1",
                "auto_snapshot: false",
                "materialized_views_enabled: true",
                "uuid_sstable_identifiers_enabled: true",
                ""));
        System.setProperty("cassandra-foreground", "yes");
        System.setProperty("cassandra.ring_delay_ms", "0");
        System.setProperty("cassandra.skip_wait_for_gossip_to_settle", "0");
        // Else each statement makes an SSTable of each table.
        System.setProperty("cassandra.test.flush_local_schema_changes", "false");
        new CassandraDaemon(true).activate();
        StorageService.instance.disableAutoCompaction("system_schema");

        try (Cluster cluster = Cluster.builder()
                        .addContactPoint("127.0.0.1")
                        .withPort(port)
                        .withoutMetrics()
                        .withoutJMXReporting()
                        .build();
                Session session = cluster.connect()) {
            for (String line : Files.readAllLines(statements)) {
                if (line.equals("--")) flush();
                else if (!line.isBlank()) session.execute(line);
            }
            Files.writeString(expected, expectation(session));
        }
        StorageService.instance.drain();
    }

    private static void flush() throws IOException {
        StorageService.instance.forceKeyspaceFlush("system_schema");
    }

    private static String expectation(Session session) {
        List<String> tables = new ArrayList<>();
        for (String table : TABLES) {
            List<String> rows = new ArrayList<>();
            for (Row row : session.execute("SELECT JSON * FROM " + table)) rows.add("    " + row.getString(0));
            tables.add("  \"" + table + "\": [\n" + String.join(",\n", rows) + "\n  ]");
        }
        return "{\n" + String.join(",\n", tables) + "\n}\n";
    }

    private static int freePort() throws IOException {
        try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            return socket.getLocalPort();
        }
    }
}
