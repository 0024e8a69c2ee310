package interop;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** The cassandra.yaml of one JVM, in a temporary folder that nothing else uses. */
final class Settings {
    // The old option names: 5.0 still reads them, 3.11 knows no others.
    private static final String COMMON = String.join("\n",
            "cluster_name: interop",
            "partitioner: org.apache.cassandra.dht.Murmur3Partitioner",
            "endpoint_snitch: SimpleSnitch",
            "seed_provider: [{class_name: org.apache.cassandra.locator.SimpleSeedProvider,"
                    + " parameters: [{seeds: 127.0.0.1}]}]",
            "listen_address: 127.0.0.1",
            "rpc_address: 127.0.0.1",
            "commitlog_sync: periodic",
            "commitlog_sync_period_in_ms: 10000",
            "compaction_throughput_mb_per_sec: 0",
            "hinted_handoff_enabled: false",
            "");

    private Settings() {}

    /** Points Cassandra at the settings of an offline tool. */
    static void useFor(String format) throws IOException {
        Path folder = Files.createTempDirectory("interop-cassandra-");
        use(folder, COMMON + directories(folder) + Release.settings(format));
    }

    /** Points Cassandra at the settings of a node that keeps all of its files below the folder. */
    static void useForNode(Path folder, String format, String nodeSettings) throws IOException {
        use(folder, COMMON + directories(folder) + Release.settings(format) + nodeSettings);
    }

    private static void use(Path folder, String yaml) throws IOException {
        Path file = folder.resolve("cassandra.yaml");
        Files.writeString(file, yaml);
        System.setProperty("cassandra.config", file.toUri().toString());
        System.setProperty("cassandra.storagedir", folder.toString());
    }

    private static String directories(Path folder) {
        return String.join("\n",
                "data_file_directories: [" + folder.resolve("data") + "]",
                "commitlog_directory: " + folder.resolve("commitlog"),
                "hints_directory: " + folder.resolve("hints"),
                "saved_caches_directory: " + folder.resolve("saved_caches"),
                "cdc_raw_directory: " + folder.resolve("cdc_raw"),
                "");
    }
}
