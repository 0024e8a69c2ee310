package interop;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.Stream;

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

    /** Points Cassandra at the settings of an offline tool; returns the folder, which {@link #delete} removes. */
    static Path useFor(String format) throws IOException {
        Path folder = Files.createTempDirectory("interop-cassandra-");
        use(folder, COMMON + directories(folder) + Release.settings(format));
        return folder;
    }

    /** Removes a temporary folder with all that Cassandra put there. */
    static void delete(Path folder) throws IOException {
        List<Path> paths;
        try (Stream<Path> found = Files.walk(folder)) {
            paths = found.sorted(Comparator.reverseOrder()).collect(Collectors.toList());
        }
        for (Path path : paths) Files.delete(path);
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
