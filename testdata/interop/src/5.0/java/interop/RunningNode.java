package interop;

import com.datastax.driver.core.Cluster;
import com.datastax.driver.core.Session;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import org.apache.cassandra.service.CassandraDaemon;
import org.apache.cassandra.service.StorageService;

/** A real node that keeps all of its files below one folder. One in each JVM: that is how the daemon is made. */
final class RunningNode {
    /** What is done while the node runs. */
    interface Work {
        void on(Session session) throws Exception;
    }

    private RunningNode() {}

    /**
     * Starts the node, does the work over CQL, and drains it. The settings are lines of its cassandra.yaml. After
     * work that fails it is not drained.
     */
    static void run(Path where, String format, Work work, String... settings) throws Exception {
        runUndrained(where, format, work, settings);
        StorageService.instance.drain();
    }

    /** The same without the drain: the node is killed with this JVM. */
    static void runUndrained(Path where, String format, Work work, String... settings) throws Exception {
        Path folder = Files.createDirectories(where).toRealPath();
        int port = freePort();
        Settings.useForNode(folder, format, String.join("\n",
                "storage_port: " + freePort(),
                "native_transport_port: " + port,
                "num_tokens: 1",
                String.join("\n", settings),
                ""));
        System.setProperty("cassandra-foreground", "yes");
        System.setProperty("cassandra.ring_delay_ms", "0");
        System.setProperty("cassandra.skip_wait_for_gossip_to_settle", "0");
        // Nobody is there to be told that it stops.
        System.setProperty("cassandra.shutdown_announce_in_ms", "0");
        new CassandraDaemon(true).activate();
        try (Cluster cluster = Cluster.builder()
                        .addContactPoint("127.0.0.1")
                        .withPort(port)
                        .withoutMetrics()
                        .withoutJMXReporting()
                        .build();
                Session session = cluster.connect()) {
            work.on(session);
        }
    }

    private static int freePort() throws IOException {
        try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            return socket.getLocalPort();
        }
    }
}
