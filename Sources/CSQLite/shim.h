#pragma once
#include <sqlite3.h>

// sqlite3_db_config is variadic. The last connection that closes a database checkpoints it and deletes its
// WAL, which would be a write to a datastore that is not ours.
static inline int daytwo_keep_wal_on_close(sqlite3 *db) {
    return sqlite3_db_config(db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, (int *)0);
}
