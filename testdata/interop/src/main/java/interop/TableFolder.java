package interop;

import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Iterator;
import java.util.List;
import java.util.UUID;

/** A folder {@code <data>/<keyspace>/<table>-<32 hex digits>}, looked at without the database's help. */
final class TableFolder {
    final Path path;
    final String keyspace;
    final String table;
    final UUID id;

    /** The folder that a command names with {@code data= keyspace= table=}. */
    static TableFolder of(Command command) throws IOException {
        return under(Path.of(command.required("data")), command.required("keyspace"), command.required("table"));
    }

    /** Finds the folder of a table whose id is not known. */
    static TableFolder under(Path data, String keyspace, String table) throws IOException {
        try (DirectoryStream<Path> folders = Files.newDirectoryStream(data.resolve(keyspace), table + "-*")) {
            Iterator<Path> found = folders.iterator();
            if (!found.hasNext()) throw new IOException("no folder for " + keyspace + "." + table + " in " + data);
            return new TableFolder(found.next().toRealPath());
        }
    }

    private TableFolder(Path path) {
        this.path = path;
        keyspace = path.getParent().getFileName().toString();
        String name = path.getFileName().toString();
        int dash = name.lastIndexOf('-');
        if (dash < 0 || name.length() - dash - 1 != 32)
            throw new IllegalArgumentException("not <table>-<32 hex digits>: " + path);
        table = name.substring(0, dash);
        id = new UUID(Long.parseUnsignedLong(name.substring(dash + 1, dash + 17), 16),
                      Long.parseUnsignedLong(name.substring(dash + 17), 16));
    }

    /** What the database calls a data directory. */
    Path dataDirectory() {
        return path.getParent().getParent();
    }

    /** The name stems, {@code <version>-<id>-<format>}, of all SSTables that have a Data.db. */
    List<String> sstables() throws IOException {
        List<String> stems = new ArrayList<>();
        for (String name : files("*-Data.db")) stems.add(name.substring(0, name.length() - "-Data.db".length()));
        return stems;
    }

    List<String> transactionLogs() throws IOException {
        return files("*txn_*.log");
    }

    /** The names of the plain files that match, sorted. */
    List<String> files(String glob) throws IOException {
        List<String> names = new ArrayList<>();
        try (DirectoryStream<Path> entries = Files.newDirectoryStream(path, glob)) {
            for (Path entry : entries)
                if (Files.isRegularFile(entry)) names.add(entry.getFileName().toString());
        }
        Collections.sort(names);
        return names;
    }
}
