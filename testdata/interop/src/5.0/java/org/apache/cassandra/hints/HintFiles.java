package org.apache.cassandra.hints;

import com.google.common.collect.ImmutableMap;
import java.lang.reflect.Field;
import java.util.UUID;
import org.apache.cassandra.config.DatabaseDescriptor;
import org.apache.cassandra.io.util.File;
import org.apache.cassandra.metrics.StorageMetrics;

/** Reaches what only this package may see: the files to which a running node writes hints. */
public final class HintFiles {
    private HintFiles() {}

    /**
     * Makes the node's own writer encrypt. No 5.0 does so by itself: what its cassandra.yaml says of encryption never gets
     * to {@code HintsService.createDescriptorParams}; but it has the writer, and reads such files.
     */
    public static void encrypt() throws ReflectiveOperationException {
        Field parameters = HintsCatalog.class.getDeclaredField("writerParams");
        parameters.setAccessible(true);
        parameters.set(catalog(), ImmutableMap.of(HintsDescriptor.ENCRYPTION,
                ImmutableMap.copyOf(DatabaseDescriptor.getEncryptionContext().toHeaderParameters())));
    }

    /** All hints of acknowledged writes are on disk after that. Returns the file that is being written. */
    public static File flush(UUID peer) throws Exception {
        while (StorageMetrics.totalHintsInProgress.getCount() > 0) Thread.sleep(1);
        HintsService.instance.flushAndFsyncBlockingly(java.util.List.of(peer));
        return catalog().get(peer).getOrOpenWriter().descriptor().file(DatabaseDescriptor.getHintsDirectory());
    }

    /** The next hint begins a new file. */
    public static void close(UUID peer) throws Exception {
        catalog().get(peer).closeWriter();
    }

    private static HintsCatalog catalog() throws ReflectiveOperationException {
        Field catalog = HintsService.class.getDeclaredField("catalog");
        catalog.setAccessible(true);
        return (HintsCatalog) catalog.get(HintsService.instance);
    }
}
