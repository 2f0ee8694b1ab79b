//! One row per leadership: the counter of terms, the history, and the row that a fence checks.

use sea_orm_migration::prelude::*;

use crate::dialect::Dialect;

/// The migration.
#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

// The next term is counted from the election's newest one. So the database refuses to delete that row: without it a
// term would come back, and old fences would pass again. The newest row is the one without a higher term. That also
// holds in the middle of a statement that deletes many rows: the highest is refused in whatever order the rows are
// deleted. Changing the row's key is refused as well, because it loses the row in the same way.
//
// The function reads the table that fired the trigger, whatever the session's search_path is.
pub(crate) const UP: Dialect = Dialect {
    postgres: r#"CREATE TYPE end_reason AS ENUM ('resigned', 'transferred', 'preempted', 'lapsed', 'expired', 'replaced');

CREATE TABLE election_terms (
    election text COLLATE "C" NOT NULL,
    term bigint NOT NULL,
    leader_id text COLLATE "C" NOT NULL,
    incarnation uuid NOT NULL,
    lease_ms bigint NOT NULL,
    started_at timestamp with time zone NOT NULL,
    ended_at timestamp with time zone,
    end_reason end_reason,
    successor text COLLATE "C",
    resign_requested_at timestamp with time zone,
    requested_by text,
    CONSTRAINT election_terms_pkey PRIMARY KEY (election, term)
);

CREATE UNIQUE INDEX election_terms_one_open ON election_terms (election) WHERE ended_at IS NULL;

CREATE FUNCTION election_terms_keep_newest() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    higher boolean;
BEGIN
    IF TG_OP = 'TRUNCATE' THEN
        RAISE EXCEPTION 'table "%" cannot be truncated: every election''s newest term must stay, or terms would repeat', TG_TABLE_NAME
            USING ERRCODE = 'restrict_violation';
    END IF;
    IF TG_OP = 'UPDATE' THEN
        IF NEW.election = OLD.election AND NEW.term = OLD.term THEN
            RETURN NEW;
        END IF;
    END IF;
    EXECUTE format('SELECT EXISTS (SELECT FROM %I.%I WHERE election = $1 AND term > $2)', TG_TABLE_SCHEMA, TG_TABLE_NAME)
        INTO higher USING OLD.election, OLD.term;
    IF NOT higher THEN
        RAISE EXCEPTION 'term % of election "%" is its newest and must stay, or terms would repeat', OLD.term, OLD.election
            USING ERRCODE = 'restrict_violation';
    END IF;
    IF TG_OP = 'UPDATE' THEN
        RETURN NEW;
    END IF;
    RETURN OLD;
END
$$;

CREATE TRIGGER election_terms_keep_newest BEFORE DELETE OR UPDATE OF election, term ON election_terms
    FOR EACH ROW EXECUTE FUNCTION election_terms_keep_newest();

CREATE TRIGGER election_terms_no_truncate BEFORE TRUNCATE ON election_terms
    FOR EACH STATEMENT EXECUTE FUNCTION election_terms_keep_newest();
"#,
    sqlite: r#"CREATE TABLE election_terms (
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

// SQLite's DROP TABLE deletes the rows first, but fires no delete trigger.
const DOWN: Dialect = Dialect {
    postgres: "DROP TABLE IF EXISTS election_terms;
DROP FUNCTION IF EXISTS election_terms_keep_newest();
DROP TYPE IF EXISTS end_reason;
",
    sqlite: "DROP TABLE IF EXISTS election_terms;
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
