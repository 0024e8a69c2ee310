package interop;

import com.datastax.driver.core.Row;
import com.datastax.driver.core.Session;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.apache.cassandra.service.StorageService;

/**
 * Starts a real node, changes its schema in several steps, each flushed and none compacted, and writes
 * down what CQL says of the schema at the end. One node per JVM: {@code FOLDER FORMAT STATEMENTS EXPECTED [killed]};
 * with {@code killed} it flushes and compacts as a node does by itself, and ends without a drain.
 *
 * <p>STATEMENTS is a file of CQL statements, one a line; a line {@code --} ends a step. EXPECTED becomes a JSON
 * object of the rows of each table of the schema, and of {@code system.local}, as {@code SELECT JSON}
 * gives them. {@code describe.cql} and {@code internals.cql} in FOLDER are what DESCRIBE prints, and a
 * snapshot {@code tag} has that of one table.
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
            boolean isKilled = args.length > 4 && args[4].equals("killed");
            run(Path.of(args[0]), args[1], Path.of(args[2]), Path.of(args[3]), isKilled);
            ok = true;
        } catch (Throwable e) {
            // A node that does not start may throw anything.
            e.printStackTrace();
        }
        Runtime.getRuntime().halt(ok ? 0 : 1);
    }

    private static void run(Path folder, String format, Path statements, Path expected, boolean isKilled)
            throws Exception {
        String[] settings = {
            "auto_snapshot: false", "materialized_views_enabled: true", "uuid_sstable_identifiers_enabled: true"
        };
        // Else each statement makes an SSTable of each table.
        if (!isKilled) System.setProperty("cassandra.test.flush_local_schema_changes", "false");
        RunningNode.Work work = session -> {
            if (!isKilled) StorageService.instance.disableAutoCompaction("system_schema");
            for (String line : Files.readAllLines(statements)) {
                if (line.equals("--")) {
                    if (!isKilled) flush();
                }
                else if (!line.isBlank()) session.execute(line);
            }
            Files.writeString(expected, expectation(session));
            // The node's own folder, without links.
            Path node = folder.toRealPath();
            Files.writeString(node.resolve("describe.cql"), description(session, "DESCRIBE SCHEMA"));
            Files.writeString(node.resolve("internals.cql"),
                    description(session, "DESCRIBE FULL SCHEMA WITH INTERNALS"));
            StorageService.instance.takeSnapshot("tag", Map.of(), "app.users");
        };
        if (isKilled) RunningNode.runUndrained(folder, format, work, settings);
        else RunningNode.run(folder, format, work, settings);
    }

    /** As cqlsh prints it. */
    private static String description(Session session, String statement) {
        List<String> all = new ArrayList<>();
        for (Row row : session.execute(statement)) all.add(row.getString("create_statement"));
        return String.join("\n\n", all) + "\n";
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
}
