use leader_election_migration::migrate;

use crate::test_database::TestDatabase;

/// Terms 1 and 2 of election `a`, term 1 of election `b`; all ended.
pub(crate) const TWO_TERMS: &str = "
    INSERT INTO election_terms (election, term, leader_id, incarnation, lease_ms, started_at, ended_at) VALUES
        ('a', 1, 'n1', '00000000-0000-0000-0000-000000000001', 10000, '2026-01-01 00:00:00+00:00', '2026-01-01 00:00:01+00:00'),
        ('a', 2, 'n1', '00000000-0000-0000-0000-000000000001', 10000, '2026-01-01 00:00:02+00:00', '2026-01-01 00:00:03+00:00'),
        ('b', 1, 'n1', '00000000-0000-0000-0000-000000000001', 10000, '2026-01-01 00:00:02+00:00', '2026-01-01 00:00:03+00:00')
";

async fn with_terms() -> [TestDatabase; 2] {
    let databases = TestDatabase::both().await;
    for database in &databases {
        migrate(&database.db).await.unwrap();
        database.run(TWO_TERMS).await.unwrap();
    }
    databases
}

#[tokio::test]
async fn an_elections_newest_term_cannot_be_deleted() {
    for database in with_terms().await {
        for sql in [
            "DELETE FROM election_terms WHERE election = 'a' AND term = 2",
            "DELETE FROM election_terms WHERE election = 'a'",
            "DELETE FROM election_terms WHERE election = 'b' AND term = 1",
            "DELETE FROM election_terms",
            "UPDATE election_terms SET term = 0 WHERE election = 'b'",
            "UPDATE election_terms SET election = 'c' WHERE election = 'b'",
        ] {
            let message = database.run(sql).await.unwrap_err().to_string();
            assert!(message.contains("newest") && message.contains("terms would repeat"), "{sql}: {message}");
            assert_eq!(database.count("election_terms").await, 3, "{sql}");
        }
    }
}

#[tokio::test]
async fn older_terms_can_be_deleted_and_newest_ones_updated() {
    for database in with_terms().await {
        database
            .run("UPDATE election_terms SET successor = 'n2' WHERE election = 'a' AND term = 2")
            .await
            .unwrap();
        database
            .run("UPDATE election_terms SET term = term WHERE election = 'a' AND term = 2")
            .await
            .unwrap();
        database.run("DELETE FROM election_terms WHERE election = 'a' AND term < 2").await.unwrap();
        assert_eq!(database.count("election_terms WHERE election = 'a'").await, 1);
        assert!(database.run("DELETE FROM election_terms WHERE election = 'a'").await.is_err());
    }
}

#[tokio::test]
async fn the_terms_cannot_be_truncated() {
    let [database, _] = with_terms().await;
    for sql in ["TRUNCATE election_terms", "TRUNCATE node_records, election_terms CASCADE"] {
        let message = database.run(sql).await.unwrap_err().to_string();
        assert!(message.contains("cannot be truncated"), "{message}");
    }
    assert_eq!(database.count("election_terms").await, 3);
}

/// The search_path may lead the session to another table of the same name.
#[tokio::test]
async fn the_guard_reads_its_own_table_whatever_the_search_path() {
    let [database, _] = with_terms().await;
    let decoy = "
        CREATE SCHEMA decoy;
        CREATE TABLE decoy.election_terms AS SELECT 'b' AS election, 99 AS term;
        SET search_path = decoy;
        DELETE FROM public.election_terms WHERE election = 'b'";
    assert!(database.run(decoy).await.unwrap_err().to_string().contains("newest"));
}

#[tokio::test]
async fn an_election_has_one_leader_and_one_open_term() {
    for database in with_terms().await {
        let open = |election: &str, term: i64| {
            format!(
                "INSERT INTO election_terms (election, term, leader_id, incarnation, lease_ms, started_at) VALUES
                 ('{election}', {term}, 'n1', '00000000-0000-0000-0000-000000000001', 10000, '2026-01-01 00:00:00+00:00')"
            )
        };
        database.run(&open("a", 3)).await.unwrap();
        assert!(is_duplicate(database.run(&open("a", 4)).await));
        database.run(&open("b", 2)).await.unwrap();

        let node = |election: &str, id: &str, status: &str| {
            format!(
                "INSERT INTO node_records (election, id, incarnation, status, priority, term, heartbeat_seq,
                 last_heartbeat, lease_ms, created_at, updated_at) VALUES ('{election}', '{id}',
                 '00000000-0000-0000-0000-000000000001', '{status}', 1, 1, 1, '2026-01-01 00:00:00+00:00', 10000,
                 '2026-01-01 00:00:00+00:00', '2026-01-01 00:00:00+00:00')"
            )
        };
        database.run(&node("a", "n1", "leader")).await.unwrap();
        database.run(&node("a", "n2", "follower")).await.unwrap();
        database.run(&node("a", "n3", "follower")).await.unwrap();
        assert!(is_duplicate(database.run(&node("a", "n4", "leader")).await));
        assert!(is_duplicate(
            database
                .run("UPDATE node_records SET status = 'leader' WHERE election = 'a' AND id = 'n2'")
                .await
        ));
        database.run(&node("b", "n1", "leader")).await.unwrap();
        assert!(database.run(&node("a", "n5", "king")).await.is_err());
        assert_eq!(database.count("node_records WHERE eligible").await, 4);
    }
}

fn is_duplicate(result: Result<(), sea_orm_migration::DbErr>) -> bool {
    let message = result.unwrap_err().to_string();
    message.contains("duplicate key") || message.contains("UNIQUE constraint failed")
}
