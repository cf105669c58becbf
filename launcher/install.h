/* Where this omslaunch's own files are. */
#ifndef OMSLAUNCH_INSTALL_H
#define OMSLAUNCH_INSTALL_H

/* The MetaDB program and a data file: beside this program (a build folder), below its prefix
 * (../libexec/omslaunch, ../share/omslaunch), or where it was configured to be. Caller frees. */
char *install_metadb_program(void);
char *install_data_file(const char *name);

#endif
