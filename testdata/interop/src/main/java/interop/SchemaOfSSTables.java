package interop;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import org.apache.cassandra.db.SerializationHeader;
import org.apache.cassandra.db.marshal.AbstractType;
import org.apache.cassandra.io.sstable.Descriptor;
import org.apache.cassandra.io.sstable.metadata.MetadataType;
import org.apache.cassandra.utils.ByteBufferUtil;

/** Finds a table's types in the Statistics.db of its SSTables, so that any table can be read. */
final class SchemaOfSSTables {
    private SchemaOfSSTables() {}

    /** One SSTable lists only the columns that it has values of, hence all of them together. */
    static Shape shape(Set<Descriptor> sstables) throws IOException {
        AbstractType<?> key = null;
        List<AbstractType<?>> clusterings = null;
        SortedMap<String, AbstractType<?>> statics = new TreeMap<>();
        SortedMap<String, AbstractType<?>> regulars = new TreeMap<>();
        for (Descriptor sstable : sstables) {
            SerializationHeader.Component header = (SerializationHeader.Component)
                    sstable.getMetadataSerializer().deserialize(sstable, MetadataType.HEADER);
            key = header.getKeyType();
            clusterings = header.getClusteringTypes();
            addAll(statics, header.getStaticColumns());
            addAll(regulars, header.getRegularColumns());
        }
        return new Shape(key, clusterings, statics, regulars);
    }

    private static void addAll(Map<String, AbstractType<?>> columns, Map<ByteBuffer, AbstractType<?>> found)
            throws CharacterCodingException {
        for (Map.Entry<ByteBuffer, AbstractType<?>> column : found.entrySet())
            columns.put(ByteBufferUtil.string(column.getKey()), column.getValue());
    }
}
