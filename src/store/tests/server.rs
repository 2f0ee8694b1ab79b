//! Contracts of a server only: limits that hold when the client stops, notifications, plans, HOT updates.

use std::time::{Duration, Instant};

use sea_orm::sqlx::postgres::PgListener;
use sea_orm::{ConnectionTrait, DbBackend, Statement, TransactionTrait, Value};
use testkit::{Postgres, Proxy, eventually};

use super::fixture::{Fixture, LONG, after};
use super::observing::crowd;
use crate::store::backend::postgres::CHANNEL;
use crate::store::backend::postgres::PostgresDialect;
use crate::store::error::Kind;
use crate::store::observe;
use protocol::{
    Belief, ClaimRejected, EndReason, HeartbeatSeq, LeadershipId, Reply, Request, TakeOver, Term,
};

/// As short as a busy machine allows.
const SHORT: Duration = Duration::from_secs(1);

impl Fixture {
    /// The sessions of this election's nodes that wait for a lock.
    async fn waiting(&self) -> i64 {
        self.number(&format!(
            "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND application_name = '{}'",
            self.application_name()
        ))
        .await
    }

    pub(super) fn lock_key(&self) -> String {
        format!("hashtextextended('leader-election:{}', 0)", self.election)
    }
}

#[tokio::test]
async fn a_claim_whose_client_stops_in_the_middle_frees_the_election() {
    let fixture = Fixture::postgres().await;
    let (_leader, _) = fixture.leader("a").await;
    let proxy = Proxy::start(Postgres::shared().port());
    let mut victim = fixture.process_through(&proxy.through(&fixture.dsn), &fixture.election, "b", 0);
    victim.join().await;
    let mut other = fixture.node("c").await;
    let view = victim.view(&[]).await;
    let claim = Request::Claim(victim.claim_on(&view));

    // The claim has the election's lock, and waits for the row of the leader.
    let holder = fixture.raw.begin().await.unwrap();
    let hold =
        format!("SELECT FROM node_records WHERE election = '{}' AND id = 'a' FOR UPDATE", fixture.election);
    holder.execute_unprepared(&hold).await.unwrap();
    let limit = 2 * SHORT;
    let frozen = tokio::spawn(async move { (victim.attempt(&claim, limit).await, victim) });
    eventually("the claim waits for the row", LONG, async || fixture.waiting().await == 1).await;
    // From now on the server hears nothing of its client, not even that it has gone.
    proxy.stall();
    holder.rollback().await.unwrap();

    let begin = Instant::now();
    let view = other.view(&[]).await;
    let claim = Request::Claim(other.claim_on(&view));
    eventually("another claim succeeds", LONG, async || match other.attempt(&claim, limit).await {
        Ok(Reply::Claimed { .. }) => true,
        Ok(reply) => panic!("{reply:?}"),
        Err(failure) => {
            assert!(failure.is_transient(), "{failure:?}");
            false
        }
    })
    .await;
    assert!(begin.elapsed() < limit + SHORT, "the lock was held for {:?}", begin.elapsed());
    let (failed, mut victim) = frozen.await.unwrap();
    assert!(failed.unwrap_err().is_transient());
    proxy.heal();
    let view = victim.view(&[]).await;
    assert_eq!(
        view.open_term().unwrap().leadership(),
        LeadershipId { term: Term::new(2), incarnation: other.incarnation() }
    );
    assert!(victim.follower_heartbeat().await.is_some());
}

/// The claim was committed, and its node did not learn of it.
#[tokio::test]
async fn a_term_whose_claim_lost_its_reply_can_be_ended() {
    let (fixture, _database) = Fixture::own_postgres("lost_reply").await;
    fixture
        .sql(
            "CREATE FUNCTION hold() RETURNS trigger LANGUAGE plpgsql AS
                 'BEGIN PERFORM pg_advisory_xact_lock(7); RETURN NULL; END';
             CREATE CONSTRAINT TRIGGER hold AFTER INSERT ON election_terms DEFERRABLE INITIALLY DEFERRED
                 FOR EACH ROW EXECUTE FUNCTION hold()",
        )
        .await;
    let proxy = Proxy::start(Postgres::shared().port());
    let mut node = fixture.process_through(&proxy.through(&fixture.dsn), &fixture.election, "a", 0);
    node.join().await;
    let ends = [
        Request::EndTerm { term: Term::new(1), reason: EndReason::Lapsed },
        Request::Leave { end: Some(EndReason::Lapsed) },
    ];
    for (end, term) in ends.into_iter().zip(1..) {
        let view = node.view(&[]).await;
        let claim = Request::Claim(node.claim_on(&view));
        let holder = fixture.raw.begin().await.unwrap();
        holder.execute_unprepared("SELECT pg_advisory_xact_lock(7)").await.unwrap();
        let sent = tokio::spawn(async move { (node.attempt(&claim, LONG).await, node) });
        eventually("the commit is under way", LONG, async || fixture.waiting().await == 1).await;
        proxy.stall_replies();
        holder.rollback().await.unwrap();
        eventually("the claim is committed", LONG, async || fixture.terms().await == (term, 1)).await;
        proxy.close_all();
        let failed;
        (failed, node) = sent.await.unwrap();
        assert!(failed.unwrap_err().is_transient());
        proxy.heal();
        assert_eq!(
            node.view(&[]).await.open_term().unwrap().leadership(),
            LeadershipId { term: Term::new(term), incarnation: node.incarnation() }
        );
        assert_eq!(node.follower_heartbeat().await, None);
        node.ask(end).await;
        let view = node.view(&[]).await;
        assert_eq!(view.newest_term().unwrap().end_reason, Some(EndReason::Lapsed));
        assert!(view.leading_row().is_none() && view.open_term().is_none());
    }
}

#[tokio::test]
async fn waiting_in_vain_for_the_elections_lock_is_transient() {
    let fixture = Fixture::postgres().await;
    let (mut leader, term) = fixture.leader("a").await;
    let mut other = fixture.node("b").await;
    let view = other.view(&[]).await;
    let claim = Request::Claim(other.claim_on(&view));
    let end = Request::EndTerm { term, reason: EndReason::Resigned };
    let leave = Request::Leave { end: Some(EndReason::Resigned) };
    for lock in ["pg_advisory_xact_lock", "pg_advisory_xact_lock_shared"] {
        let holder = fixture.raw.begin().await.unwrap();
        holder.execute_unprepared(&format!("SELECT {lock}({})", fixture.lock_key())).await.unwrap();
        let refused = [
            other.attempt(&claim, 2 * SHORT).await,
            leader.attempt(&end, 2 * SHORT).await,
            leader.attempt(&leave, 2 * SHORT).await,
        ];
        for failure in refused.map(Result::unwrap_err) {
            // The server gave up before the client did.
            assert!(failure.kind() == Kind::Transient, "{failure:?}");
        }
        holder.rollback().await.unwrap();
    }
    assert_eq!(other.ask(claim).await, Reply::Claimed { term: after(term) });
}

/// A statement that waits for a lock must not wait on when its node gives up. Otherwise each attempt would leave one
/// more session.
#[tokio::test]
async fn heartbeats_that_were_given_up_do_not_pile_up() {
    let fixture = Fixture::postgres().await;
    let (mut leader, term) = fixture.leader("a").await;
    let holder = fixture.raw.begin().await.unwrap();
    let hold = format!("SELECT FROM node_records WHERE election = '{}' FOR UPDATE", fixture.election);
    holder.execute_unprepared(&hold).await.unwrap();
    let renewal = Request::Heartbeat { belief: Belief::Leader(term), seq_floor: leader.written };
    for _ in 0..3 {
        let failure = leader.attempt(&renewal, SHORT / 2).await.unwrap_err();
        assert!(failure.is_transient(), "{failure:?}");
    }
    eventually("none of them waits any more", LONG, async || fixture.waiting().await == 0).await;
    holder.rollback().await.unwrap();
    // None of them took effect.
    assert_eq!(leader.renew(term).await, Some(2));
}

#[tokio::test]
async fn a_read_only_server_is_a_reason_to_try_again() {
    let (fixture, database) = Fixture::own_postgres("read_only").await;
    let (leader, term) = fixture.leader("a").await;
    database.psql(&format!("ALTER DATABASE {} SET default_transaction_read_only = on", database.name()));
    let mut node = fixture.process("b", 0);
    let view = node.view(&[]).await;
    let mut again = fixture.process("a", 0);
    again.who.incarnation = leader.who.incarnation;
    let mut again =
        super::fixture::Node { store: super::Store::new(fixture.spec(), again.who.clone()), ..again };
    let claim = again.claim_on(&view);
    for request in [
        Request::Register { take_over: None },
        Request::Heartbeat { belief: Belief::Leader(term), seq_floor: HeartbeatSeq::ZERO },
        Request::Claim(claim),
        Request::EndTerm { term, reason: EndReason::Resigned },
        Request::Leave { end: None },
        Request::Leave { end: Some(EndReason::Resigned) },
        Request::Cleanup { older_than: LONG },
    ] {
        match again.attempt(&request, LONG).await {
            Err(failure) => assert_eq!(failure.kind(), Kind::ReadOnly, "{request:?}: {failure:?}"),
            // In what it read it leads.
            Ok(reply) => assert_eq!(reply, Reply::ClaimRejected(ClaimRejected::OwnRowChanged), "{request:?}"),
        }
    }
}

/// For any default of a role or a database.
#[tokio::test]
async fn claims_are_read_committed_where_the_default_is_not() {
    let (fixture, database) = Fixture::own_postgres("serializable").await;
    database.psql(&format!(
        "ALTER DATABASE {} SET default_transaction_isolation = serializable",
        database.name()
    ));
    super::races::of_two_claims_at_once_one_wins(Fixture::on(&fixture.dsn).await).await;
}

#[tokio::test]
async fn a_change_of_leader_is_notified_after_it_is_committed() {
    let fixture = Fixture::postgres().await;
    let (mut one, mut two) = (fixture.node("a").await, fixture.node("b").await);
    let mut listener = PgListener::connect(&fixture.dsn).await.unwrap();
    listener.listen(CHANNEL).await.unwrap();
    let mut heard = async || loop {
        let notification = tokio::time::timeout(LONG, listener.recv()).await.unwrap().unwrap();
        // Other tests' elections are in the same database.
        if notification.payload().starts_with(&fixture.election) {
            return notification.payload().to_owned();
        }
    };
    let stale = two.view(&[]).await;
    let late = Request::Claim(two.claim_on(&stale));
    let term = one.lead().await;
    assert_eq!(heard().await, fixture.election);
    // None of these changes the leader.
    assert_eq!(two.ask(late).await, Reply::ClaimRejected(ClaimRejected::IncumbentChanged));
    one.renew(term).await.unwrap();
    let end = format!("{}-end", fixture.election);
    fixture.sql(&format!("SELECT pg_notify('{CHANNEL}', '{end}')")).await;
    assert_eq!(heard().await, end);
    one.ask(Request::EndTerm { term, reason: EndReason::Resigned }).await;
    assert_eq!(heard().await, fixture.election);
    let term = one.lead().await;
    assert_eq!(heard().await, fixture.election);
    let mut successor = one.successor(&fixture);
    let incumbent = successor.view(&[]).await.incumbent();
    let take_over = TakeOver::Leader { incarnation: one.incarnation(), incumbent };
    assert!(matches!(successor.register(Some(take_over)).await, Reply::Registered { .. }));
    assert_eq!(heard().await, fixture.election);
    one = successor;
    let next = one.lead().await;
    assert_eq!((heard().await, next), (fixture.election.clone(), after(term)));
    one.ask(Request::Leave { end: Some(EndReason::Resigned) }).await;
    assert_eq!(heard().await, fixture.election);
    assert_eq!(term, Term::new(2));
}

/// For a plan with the values and for a generic one.
#[tokio::test]
async fn an_observation_scans_no_table() {
    let (fixture, _database) = Fixture::own_postgres("plans").await;
    let (_leader, _) = fixture.leader("n000").await;
    crowd(&fixture, 300).await;
    fixture
        .sql(
            "INSERT INTO election_terms (election, term, leader_id, incarnation, lease_ms, started_at, ended_at)
             SELECT $e, 1 - n, 'a', gen_random_uuid(), 1, now(), now() FROM generate_series(1, 1000) AS n",
        )
        .await;
    fixture.sql("ANALYZE").await;
    for asked in [&[][..], &[Term::new(-3), Term::new(-5)]] {
        let observation =
            DbBackend::Postgres.build(&observe::query(&PostgresDialect, &fixture.election, "n005", asked));
        let values = observation.values.iter().flat_map(|values| &values.0);
        let values: Vec<String> = values
            .map(|value| match value {
                Value::String(Some(text)) => format!("'{text}'"),
                Value::BigInt(Some(number)) => number.to_string(),
                Value::BigUnsigned(Some(number)) => number.to_string(),
                other => panic!("{other:?}"),
            })
            .collect();
        for mode in ["force_custom_plan", "force_generic_plan"] {
            let session = fixture.raw.begin().await.unwrap();
            let values = values.join(", ");
            for sql in [
                format!("SET LOCAL plan_cache_mode = {mode}"),
                format!("PREPARE observation AS {}", observation.sql),
            ] {
                session.execute_unprepared(&sql).await.unwrap();
            }
            let explain = format!("EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF) EXECUTE observation({values})");
            let rows =
                session.query_all_raw(Statement::from_string(DbBackend::Postgres, explain)).await.unwrap();
            let lines: Vec<String> = rows.iter().map(|row| row.try_get_by_index(0).unwrap()).collect();
            let plan = lines.join("\n");
            assert!(!plan.contains("Seq Scan on node_records"), "{mode} {asked:?}\n{plan}");
            assert!(!plan.contains("Seq Scan on election_terms"), "{mode} {asked:?}\n{plan}");
            assert!(!plan.contains("Rows Removed by Filter"), "{mode} {asked:?}\n{plan}");
            session.execute_unprepared("DEALLOCATE observation").await.unwrap();
            session.rollback().await.unwrap();
        }
    }
}

#[tokio::test]
async fn a_heartbeat_is_one_statement_and_a_hot_update_and_an_observation_is_one_statement() {
    let (fixture, database) = Fixture::own_postgres("statements").await;
    database.psql("CREATE EXTENSION pg_stat_statements");
    let statements = || {
        let said = database.psql(&format!(
            "SELECT coalesce(sum(calls), 0) FROM pg_stat_statements JOIN pg_database ON dbid = pg_database.oid
             WHERE datname = '{}' AND query !~ 'pg_stat_statements'",
            database.name()
        ));
        said.parse::<u64>().unwrap()
    };
    let (mut leader, term) = fixture.leader("a").await;
    let mut follower = fixture.node("b").await;
    follower.view(&[]).await;
    let before = statements();
    for _ in 0..20 {
        assert!(leader.renew(term).await.is_some());
        assert!(follower.follower_heartbeat().await.is_some());
    }
    assert_eq!(statements() - before, 40);
    let before = statements();
    for _ in 0..5 {
        follower.view(&[term]).await;
    }
    assert_eq!(statements() - before, 5);

    // A session reports its statistics when it ends, if not before.
    leader.store.close().await;
    follower.store.close().await;
    let count = "SELECT n_tup_upd, n_tup_hot_upd FROM pg_stat_user_tables WHERE relname = 'node_records'";
    // Besides the heartbeats there was the promotion.
    eventually("the updates are counted", LONG, async || {
        let counted = database.psql(count);
        let (updates, hot) = counted.split_once('|').unwrap();
        let (updates, hot): (u64, u64) = (updates.parse().unwrap(), hot.parse().unwrap());
        assert!(updates - hot <= 1, "{counted}");
        updates == 41
    })
    .await;
}
