//! Faults of the database: restarts, broken connections, lost notifications, deleted rows.

use testkit::{Database, Postgres, Proxy, StopMode, eventually};

use crate::support::{
    H, N, SOON, T, config, follows, leader_and_follower, leads, migrate, start, start_with,
};

#[tokio::test]
async fn after_a_restart_of_the_server_the_nodes_recover_by_themselves() {
    let mut server = Postgres::start();
    migrate(&server.url()).await;
    let (one, two) = leader_and_follower(&server.url()).await;

    for mode in [StopMode::Fast, StopMode::Immediate] {
        server.stop(mode);
        eventually("the lease runs out", SOON, async || !one.is_leader() && !two.is_leader()).await;
        server.start_again();
        eventually("there is a leader again", SOON, async || one.is_leader() || two.is_leader()).await;
    }
    one.stop().await.unwrap();
    leads(&two).await;
    two.stop().await.unwrap();
}

#[tokio::test]
async fn a_quick_restart_costs_no_leadership() {
    let mut server = Postgres::start();
    migrate(&server.url()).await;
    let mut config = config("node-1", 1);
    config.election_timeout = 10 * T;
    config.node_timeout = 20 * T;
    let elector = start_with(&server.url(), config).await;
    leads(&elector).await;
    let term = elector.term();
    server.restart();
    eventually("the database has answered since", SOON, async || {
        elector.status().since_last_database_reply.is_some_and(|seen| seen < H / 2) && elector.is_leader()
    })
    .await;
    assert_eq!(elector.term(), term);
    elector.stop().await.unwrap();
}

#[tokio::test]
async fn terminated_backends_are_replaced_and_the_listener_comes_back() {
    let database = Postgres::shared().database("terminated");
    migrate(&database.url()).await;
    // The intervals are long, so that a quick change must have come by notification.
    let mut slow = config("node-1", 1);
    (slow.heartbeat_interval, slow.election_timeout, slow.node_timeout) = (4 * H, 5 * T, 10 * T);
    let mut other = slow.clone();
    (other.node_id, other.priority) = ("node-2".to_owned(), 0);
    let one = start_with(&database.url(), slow).await;
    leads(&one).await;
    let term = one.term();
    let two = start_with(&database.url(), other).await;
    follows(&two, "node-1").await;

    eventually("both listen", SOON, async || listeners(&database) == "2").await;
    let killed = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
                  WHERE datname = current_database() AND application_name LIKE 'leader-election/%'";
    database.psql(killed);
    eventually("both listen again", SOON, async || listeners(&database) == "2").await;
    assert_eq!(one.term(), term, "broken connections cost the leadership");

    let stopped = std::time::Instant::now();
    one.stop().await.unwrap();
    leads(&two).await;
    assert!(stopped.elapsed() < 4 * H, "not by notification: {:?}", stopped.elapsed());
    two.stop().await.unwrap();
}

/// As through a pooler in transaction mode: a NOTIFY succeeds and reaches no listener.
#[tokio::test]
async fn without_notifications_no_node_listens_and_all_of_them_poll() {
    let database = Postgres::shared().database("undelivered");
    database.psql(&format!(
        "CREATE SCHEMA muted; \
         CREATE FUNCTION muted.pg_notify(text, text) RETURNS void LANGUAGE sql AS ''; \
         ALTER DATABASE \"{}\" SET search_path = muted, pg_catalog, public",
        database.name()
    ));
    migrate(&database.url()).await;
    let (one, two) = leader_and_follower(&database.url()).await;
    let joined = std::time::Instant::now();
    eventually("both have noticed", SOON, async || {
        assert_eq!(listening_to(&database, "leader_election"), "0");
        joined.elapsed() > T + H && listening_to(&database, "leader_election_.*") == "0"
    })
    .await;
    one.stop().await.unwrap();
    leads(&two).await;
    two.stop().await.unwrap();
}

/// How many sessions' last statement was a LISTEN to such a channel.
fn listening_to(database: &Database<'_>, channel: &str) -> String {
    database.psql(&format!(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND query ~ '^LISTEN \"{channel}\"$'"
    ))
}

/// How many sessions listen to the nodes' notifications.
fn listeners(database: &Database<'_>) -> String {
    listening_to(database, "leader_election")
}

#[tokio::test]
async fn a_disconnected_and_a_stalled_connection_are_survived() {
    let database = Postgres::shared().database("cut_connection");
    migrate(&database.url()).await;
    let proxy = Proxy::start(Postgres::shared().port());
    let one = start(&proxy.through(&database.url()), "node-1", 1).await;
    leads(&one).await;
    let two = start(&database.url(), "node-2", 0).await;
    follows(&two, "node-1").await;

    proxy.stall();
    leads(&two).await;
    assert!(!one.is_leader());
    proxy.heal();
    follows(&one, "node-2").await;

    proxy.disconnect();
    two.stop().await.unwrap();
    assert!(!one.is_leader());
    proxy.heal();
    leads(&one).await;

    // The server gets every command, the node no reply.
    proxy.stall_replies();
    eventually("the lease runs out", SOON, async || !one.is_leader()).await;
    let term: i64 = database.psql("SELECT max(term) FROM election_terms").parse().unwrap();
    proxy.heal();
    leads(&one).await;
    assert!(one.term().unwrap().get() > term);
    one.stop().await.unwrap();
}

#[tokio::test]
async fn rows_deleted_by_hand_come_back_and_no_term_does() {
    let database = Postgres::shared().database("deleted_rows");
    migrate(&database.url()).await;
    let (one, two) = leader_and_follower(&database.url()).await;
    for _ in 0..3 {
        let before: i64 = database.psql("SELECT max(term) FROM election_terms").parse().unwrap();
        database.psql("DELETE FROM node_records");
        eventually("there is a leader with a new term", SOON, async || {
            one.term().or(two.term()).is_some_and(|term| term.get() > before)
        })
        .await;
        eventually("all rows are back", SOON, async || {
            database.psql("SELECT count(*) FROM node_records") == "2"
        })
        .await;
    }
    one.stop().await.unwrap();
    two.stop().await.unwrap();
}

#[tokio::test]
async fn a_held_lock_delays_a_change_of_leader_and_nothing_else() {
    let database = Postgres::shared().database("held_lock");
    migrate(&database.url()).await;
    let (one, two) = leader_and_follower(&database.url()).await;
    // Like a fenced transaction, for longer than a stop tries. Then the lease has to run out.
    let name = database.name().to_owned();
    let held = std::thread::spawn(move || {
        Postgres::shared().psql_in(
            &name,
            "BEGIN; SELECT pg_advisory_xact_lock_shared(hashtextextended('leader-election:default', 0)); \
             SELECT pg_sleep(1); COMMIT",
        );
    });
    eventually("the lock is held", SOON, async || {
        database.psql("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND mode = 'ShareLock'")
            == "1"
    })
    .await;
    assert!(one.is_leader());
    // It is retried until the lock is free, or given up. Either way a node leads in the end.
    drop(one.stop().await);
    leads(&two).await;
    held.join().unwrap();
    two.stop().await.unwrap();
}

#[tokio::test]
async fn cleanup_deletes_the_rows_of_the_dead_and_no_others() {
    let database = Postgres::shared().database("cleanup");
    migrate(&database.url()).await;
    let one = start(&database.url(), "node-1", 1).await;
    leads(&one).await;
    let two = start(&database.url(), "node-2", 0).await;
    database.psql(
        "INSERT INTO node_records (election, id, incarnation, status, priority, eligible, term, heartbeat_seq, \
                                   last_heartbeat, lease_ms, created_at, updated_at) \
         SELECT 'default', 'dead-' || n, gen_random_uuid(), 'follower', 100 + n, true, 0, 1, \
                now() - interval '1 hour', 800, now(), now() FROM generate_series(1, 20) n",
    );
    eventually("the dead are gone", SOON + 2 * N, async || {
        database.psql("SELECT string_agg(id, ' ' ORDER BY id) FROM node_records") == "node-1 node-2"
    })
    .await;
    assert!(one.is_leader());
    one.stop().await.unwrap();
    leads(&two).await;
    two.stop().await.unwrap();
}
