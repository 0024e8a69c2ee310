package org.apache.cassandra.db.lifecycle;

import interop.Release;
import java.nio.file.Path;
import java.util.List;

/**
 * Opens the database's own transaction log cleanup to the harness. It lives in this package because
 * the method that takes a folder instead of the node's configured schema is package-private.
 */
public final class Leftovers {
    private Leftovers() {}

    /** False means that a node with this folder would refuse to start. */
    public static boolean remove(Path folder) {
        return LogTransaction.removeUnfinishedLeftovers(List.of(Release.file(folder)));
    }
}
