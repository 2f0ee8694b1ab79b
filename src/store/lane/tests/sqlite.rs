//! On a file, and in memory.

use super::*;
use crate::store::tests::bench::File;

#[tokio::test]
async fn the_file_is_made_with_a_log_and_full_sync() {
    let file = File::new();
    let connection = file.url().connect().await.unwrap();
    assert_eq!(ask::<String>(&connection, "PRAGMA journal_mode").await.unwrap(), "wal");
    assert_eq!(ask::<i32>(&connection, "PRAGMA synchronous").await.unwrap(), 2);
    let missing: DatabaseUrl = "sqlite:/nonexistent/a.db".parse().unwrap();
    assert!(matches!(missing.connect().await, Err(Error::Unreachable { .. })));
}

#[tokio::test]
async fn many_can_open_a_new_file_at_once() {
    let file = File::new();
    let mut tasks = JoinSet::new();
    for _ in 0..16 {
        let url = file.url();
        tasks.spawn(async move { url.connect().await.map(drop) });
    }
    for opened in tasks.join_all().await {
        opened.unwrap();
    }
}

#[tokio::test]
async fn a_dropped_command_lets_go_of_the_file() {
    let file = File::new();
    let url = file.url();
    url.connect().await.unwrap().execute_unprepared("CREATE TABLE t (a INT)").await.unwrap();
    let mut lane = Lane::new(url.target("x").unwrap());
    let mut other = Lane::new(url.target("x").unwrap());
    for by_limit in [true, false] {
        let (begun, has_begun) = tokio::sync::oneshot::channel();
        let limit = if by_limit { Duration::from_millis(200) } else { LONG };
        let run = lane.run(limit, "writing", async |c| {
            let transaction = c.begin().await?;
            transaction.execute_unprepared("INSERT INTO t VALUES (1)").await?;
            let _ = begun.send(());
            std::future::pending::<()>().await;
            transaction.commit().await
        });
        if by_limit {
            let failure = run.await.unwrap_err();
            assert!(matches!(failure.cause, Cause::Timeout(_)));
        } else {
            tokio::select! {
                _ = run => unreachable!("it never ends"),
                _ = has_begun => {}
            }
        }
        other
            .run(LONG, "writing", async |c| c.execute_unprepared("INSERT INTO t VALUES (2)").await)
            .await
            .unwrap();
    }
    let count: i64 =
        lane.run(LONG, "asking", async |c| ask(c, "SELECT count(*) FROM t WHERE a = 1").await).await.unwrap();
    assert_eq!(count, 0);
}

/// The lane's invariant.
#[tokio::test]
async fn the_connection_is_marked_for_closing_before_the_command_is_dropped() {
    struct Witness<'a>(DatabaseConnection, &'a mut Option<bool>);

    impl Drop for Witness<'_> {
        fn drop(&mut self) {
            *self.1 = Some(self.0.get_sqlite_connection_pool().is_closed());
        }
    }

    let file = File::new();
    let mut lane = Lane::new(file.url().target("x").unwrap());
    let mut was_marked = None;
    lane.run(Duration::from_millis(100), "waiting", async |c| {
        let _witness = Witness(c.clone(), &mut was_marked);
        std::future::pending::<()>().await;
        Ok(())
    })
    .await
    .unwrap_err();
    assert_eq!(was_marked, Some(true));

    let mut was_marked = None;
    let run = lane.run(LONG, "waiting", async |c| {
        let _witness = Witness(c.clone(), &mut was_marked);
        std::future::pending::<()>().await;
        Ok(())
    });
    assert!(tokio::time::timeout(Duration::from_millis(100), run).await.is_err());
    assert_eq!(was_marked, Some(true));
}

#[tokio::test]
async fn a_locked_file_is_a_reason_to_try_again() {
    let file = File::new();
    let url = file.url();
    let connection = url.connect().await.unwrap();
    connection.execute_unprepared("CREATE TABLE t (a INT PRIMARY KEY)").await.unwrap();
    let mut lane = Lane::new(url.target("x").unwrap());
    let insert = async |c: &DatabaseConnection| c.execute_unprepared("INSERT INTO t VALUES (1)").await;
    let transaction = connection.begin().await.unwrap();
    transaction.execute_unprepared("INSERT INTO t VALUES (2)").await.unwrap();
    let failure = lane.run(LONG, "writing", insert).await.unwrap_err();
    assert!(failure.is_transient(), "{failure:?}");
    transaction.commit().await.unwrap();
    lane.run(LONG, "writing", insert).await.unwrap();
    let again = lane
        .run(LONG, "writing", async |c| {
            Ok(insert(c).await.is_err_and(|error| crate::store::failure::is_unique_violation(&error)))
        })
        .await
        .unwrap();
    assert!(again);
}

#[tokio::test]
async fn a_database_in_memory_is_shared_and_its_dropped_transactions_are_rolled_back() {
    let url: DatabaseUrl = "sqlite::memory:".parse().unwrap();
    let connection = url.connect().await.unwrap();
    connection.execute_unprepared("CREATE TABLE t (a INT)").await.unwrap();
    for target in [Target::of(&connection, "x").unwrap(), url.target("x").unwrap()] {
        assert!(matches!(target, Target::Shared(_)));
        let mut lane = Lane::new(target);
        let failure = lane
            .run(Duration::from_millis(100), "writing", async |c| {
                let transaction = c.begin().await?;
                transaction.execute_unprepared("INSERT INTO t VALUES (1)").await?;
                std::future::pending::<()>().await;
                transaction.commit().await
            })
            .await
            .unwrap_err();
        assert!(matches!(failure.cause, Cause::Timeout(_)), "{failure:?}");
        let count: i64 =
            lane.run(LONG, "asking", async |c| ask(c, "SELECT count(*) FROM t").await).await.unwrap();
        assert_eq!(count, 0);
        lane.close().await;
    }
    let given = sea_orm::Database::connect("sqlite::memory:").await.unwrap();
    assert!(matches!(Target::of(&given, "x"), Ok(Target::Shared(_))));
    let file = File::new();
    let given = file.url().connect().await.unwrap();
    given.execute_unprepared("CREATE TABLE t (a INT)").await.unwrap();
    let target = Target::of(&given, "x").unwrap();
    assert!(matches!(target, Target::Sqlite(..)));
    given.close().await.unwrap();
    let count = async |c: &DatabaseConnection| ask::<i64>(c, "SELECT count(*) FROM t").await;
    assert_eq!(Lane::new(target).run(LONG, "asking", count).await.unwrap(), 0);
}
