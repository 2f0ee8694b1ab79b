//! The reason why a term ended, as text with a check that a later migration can replace.

use sea_orm_migration::prelude::*;

use crate::dialect::Dialect;

/// The migration.
#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

// A new value of an enum type cannot be used in the transaction that adds it, and every reader has to know every value.
// Text with a named check has neither problem.
//
// Nodes of the previous version run beside this one. They write the reason as a value of the enum type,
// CAST($1 AS end_reason), which PostgreSQL casts to the column's type text by itself. So the type stays. A version that
// never runs beside those nodes may drop it. They read CAST(end_reason AS text), as this version does, and read an
// unknown reason as `expired`.
//
// SQLite cannot alter a check, so the table is created again and its rows are copied twice. Renaming the new table to
// the old name would be less work, but fails if a view of the application names the table. Dropping a table fires no
// delete trigger, and drops its indexes and triggers.
pub(crate) const UP: Dialect = Dialect {
    postgres: r#"ALTER TABLE election_terms ALTER COLUMN end_reason TYPE text USING end_reason::text;

ALTER TABLE election_terms ADD CONSTRAINT election_terms_end_reason CHECK (end_reason IN (
    'resigned', 'transferred', 'preempted', 'lapsed', 'expired', 'replaced', 'died', 'ended_by_operator'));
"#,
    sqlite: r#"CREATE TABLE election_terms_copy AS SELECT * FROM election_terms;

DROP TABLE election_terms;

CREATE TABLE election_terms (
    election text NOT NULL,
    term bigint NOT NULL,
    leader_id text NOT NULL,
    incarnation uuid_text NOT NULL,
    lease_ms bigint NOT NULL,
    started_at timestamp_with_timezone_text NOT NULL,
    ended_at timestamp_with_timezone_text,
    end_reason text CONSTRAINT election_terms_end_reason CHECK (end_reason IN (
        'resigned', 'transferred', 'preempted', 'lapsed', 'expired', 'replaced', 'died', 'ended_by_operator')),
    successor text,
    resign_requested_at timestamp_with_timezone_text,
    requested_by text,
    CONSTRAINT election_terms_pkey PRIMARY KEY (election, term)
);

INSERT INTO election_terms SELECT * FROM election_terms_copy;

DROP TABLE election_terms_copy;

CREATE UNIQUE INDEX election_terms_one_open ON election_terms (election) WHERE ended_at IS NULL;

CREATE TRIGGER election_terms_keep_newest BEFORE DELETE ON election_terms
    WHEN NOT EXISTS (SELECT 1 FROM election_terms WHERE election = OLD.election AND term > OLD.term)
BEGIN
    SELECT RAISE(ABORT, 'an election''s newest term must stay, or terms would repeat');
END;

CREATE TRIGGER election_terms_keep_key BEFORE UPDATE OF election, term ON election_terms
    WHEN (NEW.election <> OLD.election OR NEW.term <> OLD.term)
        AND NOT EXISTS (SELECT 1 FROM election_terms WHERE election = OLD.election AND term > OLD.term)
BEGIN
    SELECT RAISE(ABORT, 'an election''s newest term must stay, or terms would repeat');
END;
"#,
};

// The two reasons that the previous version does not know become the ones it would have written. Rolling back never
// deletes the newest term either: without it a term would come back.
const DOWN: Dialect = Dialect {
    postgres: "ALTER TABLE election_terms DROP CONSTRAINT election_terms_end_reason;

ALTER TABLE election_terms ALTER COLUMN end_reason TYPE end_reason USING CASE end_reason
    WHEN 'died' THEN 'expired' WHEN 'ended_by_operator' THEN 'resigned' ELSE end_reason END::end_reason;
",
    sqlite: r#"CREATE TABLE election_terms_copy AS SELECT * FROM election_terms;

UPDATE election_terms_copy SET end_reason = CASE end_reason
    WHEN 'died' THEN 'expired' ELSE 'resigned' END WHERE end_reason IN ('died', 'ended_by_operator');

DROP TABLE election_terms;

CREATE TABLE election_terms (
    election text NOT NULL,
    term bigint NOT NULL,
    leader_id text NOT NULL,
    incarnation uuid_text NOT NULL,
    lease_ms bigint NOT NULL,
    started_at timestamp_with_timezone_text NOT NULL,
    ended_at timestamp_with_timezone_text,
    end_reason text CHECK (end_reason IN ('resigned', 'transferred', 'preempted', 'lapsed', 'expired', 'replaced')),
    successor text,
    resign_requested_at timestamp_with_timezone_text,
    requested_by text,
    CONSTRAINT election_terms_pkey PRIMARY KEY (election, term)
);

INSERT INTO election_terms SELECT * FROM election_terms_copy;

DROP TABLE election_terms_copy;

CREATE UNIQUE INDEX election_terms_one_open ON election_terms (election) WHERE ended_at IS NULL;

CREATE TRIGGER election_terms_keep_newest BEFORE DELETE ON election_terms
    WHEN NOT EXISTS (SELECT 1 FROM election_terms WHERE election = OLD.election AND term > OLD.term)
BEGIN
    SELECT RAISE(ABORT, 'an election''s newest term must stay, or terms would repeat');
END;

CREATE TRIGGER election_terms_keep_key BEFORE UPDATE OF election, term ON election_terms
    WHEN (NEW.election <> OLD.election OR NEW.term <> OLD.term)
        AND NOT EXISTS (SELECT 1 FROM election_terms WHERE election = OLD.election AND term > OLD.term)
BEGIN
    SELECT RAISE(ABORT, 'an election''s newest term must stay, or terms would repeat');
END;
"#,
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
