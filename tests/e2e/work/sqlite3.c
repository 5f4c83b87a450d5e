/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A table in memory, an index, an aggregate, JSON and full-text functions. */
#include "work.h"
#include <sqlite3.h>

static int ask(sqlite3 *db, const char *query, const char *answer)
{
    sqlite3_stmt *statement = NULL;

    CHECK(sqlite3_prepare_v2(db, query, -1, &statement, NULL) == SQLITE_OK);
    CHECK(sqlite3_step(statement) == SQLITE_ROW);
    CHECK(strcmp((const char *)sqlite3_column_text(statement, 0), answer) == 0);
    CHECK(sqlite3_finalize(statement) == SQLITE_OK);
    return 0;
}

int work(void)
{
    sqlite3 *db = NULL;

    OURS(sqlite3_open);
    CHECK(sqlite3_open(":memory:", &db) == SQLITE_OK);
    CHECK(sqlite3_exec(db,
                       "create table t(id integer primary key, name text, v real);"
                       "create index i on t(name);"
                       "with recursive c(n) as (select 1 union all select n+1 from c where n<1000)"
                       " insert into t select n, printf('row %04d', n), n * 0.5 from c;",
                       NULL, NULL, NULL) == SQLITE_OK);
    CHECK(ask(db, "select sum(v) from t", "250250.0") == 0);
    CHECK(ask(db, "select id from t where name = 'row 0777'", "777") == 0);
    CHECK(ask(db, "select json_extract('{\"a\":[1,2,{\"b\":\"c\"}]}', '$.a[2].b')", "c") == 0);
    CHECK(ask(db, "select group_concat(id) from (select id from t order by id desc limit 3)",
              "1000,999,998") == 0);
    CHECK(sqlite3_close(db) == SQLITE_OK);
    return 0;
}
