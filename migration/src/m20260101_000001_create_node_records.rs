//! One row per node and election: who takes part, who leads, and each node's last heartbeat.

use sea_orm_migration::prelude::*;

use crate::dialect::Dialect;

/// The migration.
#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

// Names compare bytewise, as Rust's `String` does: ties go to the lower id, and the database and the nodes must agree
// on which id is lower.
//
// A heartbeat writes no indexed column, and every page is filled only half: on PostgreSQL a heartbeat is a HOT update,
// which leaves no dead index entries. Vacuum starts by the number of dead rows alone, and never truncates the table:
// heartbeats would wait for the lock that truncation takes.
pub(crate) const UP: Dialect = Dialect {
    postgres: r#"CREATE TYPE node_status AS ENUM ('follower', 'candidate', 'leader');

CREATE TABLE node_records (
    election text COLLATE "C" NOT NULL,
    id text COLLATE "C" NOT NULL,
    incarnation uuid NOT NULL,
    status node_status NOT NULL,
    priority integer NOT NULL,
    eligible boolean NOT NULL DEFAULT true,
    term bigint NOT NULL,
    heartbeat_seq bigint NOT NULL,
    last_heartbeat timestamp with time zone NOT NULL,
    lease_ms bigint NOT NULL,
    address text,
    created_at timestamp with time zone NOT NULL,
    updated_at timestamp with time zone NOT NULL,
    CONSTRAINT node_records_pkey PRIMARY KEY (election, id)
) WITH (
    fillfactor = 50,
    autovacuum_vacuum_threshold = 500,
    autovacuum_vacuum_scale_factor = 0,
    autovacuum_vacuum_cost_delay = 0,
    autovacuum_analyze_threshold = 500,
    autovacuum_analyze_scale_factor = 0,
    vacuum_truncate = false
);

CREATE UNIQUE INDEX node_records_one_leader ON node_records (election) WHERE status = 'leader';

CREATE INDEX node_records_by_rank ON node_records (election, priority DESC, id) WHERE eligible;
"#,
    sqlite: r#"CREATE TABLE node_records (
    election text NOT NULL,
    id text NOT NULL,
    incarnation uuid_text NOT NULL,
    status text NOT NULL CHECK (status IN ('follower', 'candidate', 'leader')),
    priority integer NOT NULL,
    eligible boolean NOT NULL DEFAULT TRUE,
    term bigint NOT NULL,
    heartbeat_seq bigint NOT NULL,
    last_heartbeat timestamp_with_timezone_text NOT NULL,
    lease_ms bigint NOT NULL,
    address text,
    created_at timestamp_with_timezone_text NOT NULL,
    updated_at timestamp_with_timezone_text NOT NULL,
    CONSTRAINT node_records_pkey PRIMARY KEY (election, id)
);

CREATE UNIQUE INDEX node_records_one_leader ON node_records (election) WHERE status = 'leader';

CREATE INDEX node_records_by_rank ON node_records (election, priority DESC, id) WHERE eligible;
"#,
};

const DOWN: Dialect = Dialect {
    postgres: "DROP TABLE IF EXISTS node_records;
DROP TYPE IF EXISTS node_status;
",
    sqlite: "DROP TABLE IF EXISTS node_records;
",
};

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        UP.run(manager).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        DOWN.run(manager).await
    }
}
