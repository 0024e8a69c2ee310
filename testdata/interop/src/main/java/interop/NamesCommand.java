package interop;

import org.apache.cassandra.config.DatabaseDescriptor;

/**
 * {@code names data=}: the check with which a node starts before it looks at any table. It walks through the
 * whole data directory, other folders than those of tables included, and refuses to start if a file's
 * name ends like an SSTable's and cannot be one.
 */
final class NamesCommand {
    private NamesCommand() {}

    static void run(Command command) {
        DatabaseDescriptor.getRawConfig().data_file_directories = new String[] {command.required("data")};
        Release.checkFileNames();
    }
}
