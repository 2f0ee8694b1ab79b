//! Transactions under the election's lock on a server: their limits, and what they leave behind.

use std::time::Duration;
use std::time::Instant;

use sea_orm::ConnectionTrait;
use sea_orm::DbErr;
use sea_orm::Statement;
use sea_orm::TransactionTrait;
use testkit::eventually;

use super::fixture::Fixture;
use super::fixture::LONG;
use crate::store::backend::postgres::PostgresDialect;
use crate::store::connection::Connection;
use crate::store::dialect::Dialect;
use crate::store::error::Kind;
use crate::store::session::Session;
use protocol::Reply;
use protocol::Request;
use protocol::TakeOver;

const LIMITS: [&str; 3] = ["lock_timeout", "statement_timeout", "idle_in_transaction_session_timeout"];

async fn setting(db: &Session, name: &str) -> Result<String, DbErr> {
    let sql = format!("SELECT current_setting('{name}')");
    let row = db.query_one_raw(Statement::from_string(db.get_database_backend(), sql)).await?;
    row.unwrap().try_get_by_index(0)
}

async fn limits(db: &Session) -> Result<[String; 3], DbErr> {
    let [lock, statement, idle] = LIMITS;
    Ok([setting(db, lock).await?, setting(db, statement).await?, setting(db, idle).await?])
}

/// Each of the three alone: a lock, a statement, the next command.
#[tokio::test]
async fn the_server_limits_each_wait_of_a_transaction_and_forgets_the_limits_afterwards() {
    let fixture = Fixture::postgres().await;
    let mut connection = Connection::new(fixture.spec());
    for commits in [true, false] {
        let (before, within, after) = connection
            .run(LONG, "asking", async |db| {
                let before = limits(db).await?;
                let transaction = db.begin_locked("e", Duration::from_millis(3000)).await?;
                let within = limits(&transaction).await?;
                match commits {
                    true => transaction.commit().await?,
                    false => transaction.rollback().await?,
                }
                Ok((before, within, limits(db).await?))
            })
            .await
            .unwrap();
        assert_eq!(within, ["1500ms", "1500ms", "1500ms"]);
        // They belong to the transaction, not to the session, which a pooler may give to other clients.
        assert_eq!(after, before);
    }
}

/// Zero would mean no limit.
#[test]
fn there_is_a_limit_however_short_a_step_is() {
    let begin = PostgresDialect.begin_locked("e", Duration::ZERO);
    for limit in LIMITS {
        assert!(begin.contains(&format!("SET LOCAL {limit} = 1;")), "{begin}");
    }
}

/// An election's name may have any characters.
#[tokio::test]
async fn the_lock_is_the_elections_whatever_its_name() {
    let fixture = Fixture::postgres().await;
    for name in ["it's", "a\\b", "日本", "$1", "x'; SELECT 1; --"] {
        let mut connection = Connection::new(fixture.spec());
        let key = format!("leader-election:{name}");
        let count = connection.run(LONG, "locking", async |db| {
            let transaction = db.begin_locked(name, LONG).await?;
            let held = Statement::from_sql_and_values(
                db.get_database_backend(),
                "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid() AND objsubid = 1
                 AND (classid::bigint << 32 | objid::bigint) = hashtextextended($1, 0)",
                [key.as_str().into()],
            );
            let count: i64 = transaction.query_one_raw(held).await?.unwrap().try_get_by_index(0)?;
            transaction.rollback().await.map(|()| count)
        });
        assert_eq!(count.await.unwrap(), 1, "{name}");
    }
}

/// It must not overtake a fenced transaction that holds the lock.
#[tokio::test]
async fn a_takeover_of_the_leaders_row_waits_for_the_elections_lock() {
    let fixture = Fixture::postgres().await;
    let (old, _) = fixture.leader("a").await;
    let mut new = old.successor(&fixture);
    let incumbent = new.view(&[]).await.incumbent();
    let take_over = Some(TakeOver::Leader { incarnation: old.incarnation(), incumbent });
    let take_over = Request::Register { take_over };
    let holder = fixture.raw.begin().await.unwrap();
    let lock = format!("SELECT pg_advisory_xact_lock_shared({})", fixture.lock_key());
    holder.execute_unprepared(&lock).await.unwrap();
    let before = fixture.everything().await;
    let failure = new.attempt(&take_over, Duration::from_secs(1)).await.unwrap_err();
    assert_eq!(failure.kind(), Kind::Transient, "{failure}");
    assert_eq!(fixture.everything().await, before);
    holder.rollback().await.unwrap();
    assert!(matches!(new.ask(take_over).await, Reply::Registered { .. }));
}

/// It waits for no other transaction, so it cannot be part of a deadlock.
#[tokio::test]
async fn a_cleanup_skips_locked_rows() {
    let fixture = Fixture::postgres().await;
    let (mut leader, _) = fixture.leader("a").await;
    let _others = (fixture.node("b").await, fixture.node("c").await);
    fixture
        .sql("UPDATE node_records SET last_heartbeat = '2001-01-01' WHERE election = $e AND id <> 'a'")
        .await;
    let holder = fixture.raw.begin().await.unwrap();
    let hold =
        format!("SELECT FROM node_records WHERE election = '{}' AND id = 'b' FOR UPDATE", fixture.election);
    holder.execute_unprepared(&hold).await.unwrap();
    let cleanup = || Request::Cleanup { older_than: LONG };
    assert_eq!(leader.ask(cleanup()).await, Reply::Cleaned { nodes: 1, terms: 0 });
    holder.rollback().await.unwrap();
    assert_eq!(leader.ask(cleanup()).await, Reply::Cleaned { nodes: 1, terms: 0 });
}

/// The queue of notifications is full, or its lock is taken: the listening nodes poll.
#[tokio::test]
async fn a_notification_that_fails_or_hangs_costs_no_claim() {
    let (fixture, database) = Fixture::own_postgres("notifications").await;
    let broken = |body: &str| {
        format!(
            "CREATE OR REPLACE FUNCTION broken.pg_notify(text, text) RETURNS void LANGUAGE plpgsql AS
             $$ BEGIN {body}; END $$"
        )
    };
    database.psql("CREATE SCHEMA broken");
    database.psql(&broken("RAISE EXCEPTION 'the queue is full' USING ERRCODE = '54000'"));
    database
        .psql(&format!("ALTER DATABASE {} SET search_path = broken, pg_catalog, public", database.name()));
    let mut node = fixture.process("a", 0);
    node.join().await;
    let term = node.lead().await;
    assert!(node.renew(term).await.is_some());

    database.psql(&broken("PERFORM pg_sleep(60)"));
    let mut next = fixture.node("b").await;
    let view = next.view(&[]).await;
    let claim = Request::Claim(next.claim_on(&view));
    let begin = Instant::now();
    let reply = next.attempt(&claim, Duration::from_secs(4)).await.unwrap();
    assert!(matches!(reply, Reply::Claimed { .. }), "{reply:?}");
    // A quarter of the limit for the notification, and the claim itself.
    assert!(begin.elapsed() < Duration::from_secs(3), "{:?}", begin.elapsed());
    let Reply::Claimed { term } = reply else { unreachable!() };
    let renewed = async { next.heartbeat(protocol::Belief::Leader(term), 99).await.is_some() };
    assert!(tokio::time::timeout(LONG, renewed).await.unwrap());
    // The notification that was given up does not stay behind.
    eventually("the notification is gone", LONG, async || {
        database.psql("SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'") == "0"
    })
    .await;
}
