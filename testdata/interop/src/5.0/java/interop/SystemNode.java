package interop;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import org.apache.cassandra.cql3.QueryProcessor;
import org.apache.cassandra.cql3.UntypedResultSet;
import org.apache.cassandra.db.ConsistencyLevel;
import org.apache.cassandra.db.Keyspace;
import org.apache.cassandra.service.CassandraDaemon;
import org.apache.cassandra.service.StorageService;

/**
 * A real node that is started by the cassandra.yaml in its folder, as it is, and that has no clients: statements go
 * to its coordinator directly. Nothing is compacted. It is never drained; its JVM ends, or is killed.
 */
final class SystemNode {
    private SystemNode() {}

    /** Starts it; then its process is in the file {@code started}. The port between nodes is that of the property {@code cassandra.storage_port}, or a free one. */
    static void start(Path folder) throws IOException {
        System.setProperty("cassandra.config", folder.resolve("cassandra.yaml").toUri().toString());
        System.setProperty("cassandra.storagedir", folder.toString());
        System.setProperty("cassandra-foreground", "yes");
        // A second node of a ring has to be given time.
        if (System.getProperty("cassandra.ring_delay_ms") == null) System.setProperty("cassandra.ring_delay_ms", "0");
        System.setProperty("cassandra.skip_wait_for_gossip_to_settle", "0");
        System.setProperty("cassandra.start_native_transport", "false");
        if (System.getProperty("cassandra.storage_port") == null)
            System.setProperty("cassandra.storage_port", Integer.toString(freePort()));
        new CassandraDaemon(true).activate();
        for (String keyspace : StorageService.instance.getKeyspaces()) withoutCompaction(keyspace);
        Files.writeString(folder.resolve("started"), Long.toString(ProcessHandle.current().pid()));
    }

    static void withoutCompaction(String keyspace) throws IOException {
        Keyspace.open(keyspace).getColumnFamilyStores().forEach(store -> store.disableAutoCompaction());
    }

    /** Through the coordinator, at ONE: returns when the replica has the write on disk. */
    static void execute(String statement) {
        QueryProcessor.process(statement, ConsistencyLevel.ONE);
    }

    /** What this node itself has. */
    static UntypedResultSet own(String query) {
        return QueryProcessor.executeInternal(query);
    }

    private static int freePort() throws IOException {
        try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            return socket.getLocalPort();
        }
    }
}
