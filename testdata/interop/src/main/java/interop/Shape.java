package interop;

import java.util.List;
import java.util.SortedMap;
import org.apache.cassandra.db.marshal.AbstractType;

/** The types of a table: all of a schema that its SSTables need. */
final class Shape {
    final AbstractType<?> partitionKey;
    final List<AbstractType<?>> clusterings;
    final SortedMap<String, AbstractType<?>> statics;
    final SortedMap<String, AbstractType<?>> regulars;

    Shape(AbstractType<?> partitionKey,
          List<AbstractType<?>> clusterings,
          SortedMap<String, AbstractType<?>> statics,
          SortedMap<String, AbstractType<?>> regulars) {
        this.partitionKey = partitionKey;
        this.clusterings = clusterings;
        this.statics = statics;
        this.regulars = regulars;
    }
}
