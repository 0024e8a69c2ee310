package interop;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import org.apache.cassandra.db.ClusteringPrefix;
import org.apache.cassandra.db.DeletionTime;
import org.apache.cassandra.db.LivenessInfo;
import org.apache.cassandra.db.rows.Cell;
import org.apache.cassandra.db.rows.ColumnData;
import org.apache.cassandra.db.rows.ComplexColumnData;
import org.apache.cassandra.db.rows.RangeTombstoneMarker;
import org.apache.cassandra.db.rows.Row;
import org.apache.cassandra.db.rows.Unfiltered;

/**
 * SHA-256 over everything that a row means: keys, clusterings, values, timestamps, TTLs and deletion
 * times. What differs between formats without meaning anything (how "never" is stored) stays out, so
 * the same content has the same hash in every format and release.
 */
final class ContentHash {
    private final MessageDigest digest;
    private final ByteBuffer number = ByteBuffer.allocate(Long.BYTES);

    ContentHash() {
        try {
            digest = MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new AssertionError("every Java has SHA-256", e);
        }
    }

    String finish() {
        return HexFormat.of().formatHex(digest.digest());
    }

    void addText(String text) {
        addBytes(ByteBuffer.wrap(text.getBytes(StandardCharsets.UTF_8)));
    }

    /** Length first, so that moving a byte from one field to the next changes the hash. */
    void addBytes(ByteBuffer bytes) {
        if (bytes == null) {
            addNumber(-1);
            return;
        }
        addNumber(bytes.remaining());
        digest.update(bytes.duplicate());
    }

    void addDeletion(DeletionTime deletion) {
        addFlag(deletion.isLive());
        if (deletion.isLive()) return;
        addNumber(deletion.markedForDeleteAt());
        addNumber(deletion.localDeletionTime());
    }

    void addUnfiltered(Unfiltered unfiltered) {
        addText(unfiltered.kind().name());
        if (unfiltered.kind() == Unfiltered.Kind.ROW) addRow((Row) unfiltered);
        else addMarker((RangeTombstoneMarker) unfiltered);
    }

    void addRow(Row row) {
        addClustering(row.clustering());
        addLiveness(row.primaryKeyLivenessInfo());
        addDeletion(row.deletion().time());
        for (ColumnData data : row) {
            addBytes(data.column().name.bytes);
            if (data.column().isComplex()) {
                ComplexColumnData complex = (ComplexColumnData) data;
                addDeletion(complex.complexDeletion());
                for (Cell cell : complex) addCell(cell);
            } else {
                addCell((Cell) data);
            }
        }
    }

    private void addMarker(RangeTombstoneMarker marker) {
        addClustering(marker.clustering());
        if (marker.isClose(false)) addDeletion(marker.closeDeletionTime(false));
        if (marker.isOpen(false)) addDeletion(marker.openDeletionTime(false));
    }

    private void addClustering(ClusteringPrefix clustering) {
        addText(clustering.kind().name());
        for (int i = 0; i < clustering.size(); i++) addBytes(Table.value(clustering, i));
    }

    private void addLiveness(LivenessInfo liveness) {
        addFlag(liveness.isEmpty());
        if (liveness.isEmpty()) return;
        addNumber(liveness.timestamp());
        addNumber(liveness.ttl());
        if (liveness.isExpiring()) addNumber(liveness.localExpirationTime());
    }

    private void addCell(Cell cell) {
        addNumber(cell.timestamp());
        addNumber(cell.ttl());
        if (cell.isExpiring() || cell.isTombstone()) addNumber(cell.localDeletionTime());
        addFlag(cell.path() != null);
        if (cell.path() != null) addBytes(cell.path().get(0));
        addBytes(Table.value(cell));
    }

    private void addNumber(long value) {
        number.clear();
        digest.update(number.putLong(value).flip());
    }

    private void addFlag(boolean flag) {
        addNumber(flag ? 1 : 0);
    }
}
