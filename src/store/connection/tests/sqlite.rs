//! Connections to a file and to a database in memory.

use sea_orm::TransactionTrait;

use super::*;
use crate::store::tests::fixture::File;

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
    let mut connection = Connection::new(url.spec("x").unwrap());
    let mut other = Connection::new(url.spec("x").unwrap());
    for by_limit in [true, false] {
        let (begun, has_begun) = tokio::sync::oneshot::channel();
        let limit = if by_limit { Duration::from_millis(200) } else { LONG };
        let run = connection.run(limit, "writing", async |c| {
            let transaction = c.begin_locked("e", LONG).await?;
            transaction.execute_unprepared("INSERT INTO t VALUES (1)").await?;
            let _ = begun.send(());
            std::future::pending::<()>().await;
            transaction.commit().await
        });
        if by_limit {
            let failure = run.await.unwrap_err();
            assert!(failure.kind() == Kind::Timeout);
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
    let count: i64 = connection
        .run(LONG, "asking", async |c| ask(c, "SELECT count(*) FROM t WHERE a = 1").await)
        .await
        .unwrap();
    assert_eq!(count, 0);
}

/// The invariant of the module.
#[tokio::test]
async fn a_session_is_kept_only_after_a_command_that_left_it_usable() {
    let file = File::new();
    let mut connection = Connection::new(file.url().spec("x").unwrap());
    let kept = async |connection: &mut Connection| {
        let kept = (connection.idle.is_some(), connection.closings.len());
        connection.close().await;
        assert!(connection.idle.is_none() && connection.closings.is_empty());
        kept
    };
    connection.run(LONG, "asking", async |c| ask::<i32>(c, "SELECT 1").await).await.unwrap();
    assert_eq!(kept(&mut connection).await, (true, 0));
    connection.run(LONG, "asking", async |c| ask::<i32>(c, "SELECT 1 FROM nowhere").await).await.unwrap_err();
    assert_eq!(kept(&mut connection).await, (true, 0));

    let never = async |_: &Session| -> Result<(), DbErr> { std::future::pending().await };
    connection.run(Duration::from_millis(50), "waiting", never).await.unwrap_err();
    assert_eq!(kept(&mut connection).await, (false, 1));
    let run = connection.run(LONG, "waiting", never);
    assert!(tokio::time::timeout(Duration::from_millis(50), run).await.is_err());
    assert_eq!(kept(&mut connection).await, (false, 1));
    // It returns success and leaves its transaction open.
    connection.run(LONG, "beginning", async |c| c.begin_locked("e", LONG).await.map(drop)).await.unwrap();
    assert_eq!(kept(&mut connection).await, (false, 1));
    let custom = async |_: &Session| Err::<(), _>(DbErr::Custom("odd".to_owned()));
    connection.run(LONG, "failing", custom).await.unwrap_err();
    assert_eq!(kept(&mut connection).await, (false, 1));
}

#[tokio::test]
async fn a_locked_file_is_a_reason_to_try_again() {
    let file = File::new();
    let url = file.url();
    let other = url.connect().await.unwrap();
    other.execute_unprepared("CREATE TABLE t (a INT PRIMARY KEY)").await.unwrap();
    let mut connection = Connection::new(url.spec("x").unwrap());
    let insert = async |c: &Session| c.execute_unprepared("INSERT INTO t VALUES (1)").await;
    let transaction = other.begin().await.unwrap();
    transaction.execute_unprepared("INSERT INTO t VALUES (2)").await.unwrap();
    let failure = connection.run(LONG, "writing", insert).await.unwrap_err();
    assert!(failure.is_transient(), "{failure:?}");
    transaction.commit().await.unwrap();
    connection.run(LONG, "writing", insert).await.unwrap();
    let again = connection
        .run(LONG, "writing", async |c| {
            Ok(insert(c).await.is_err_and(|error| crate::store::error::is_unique_violation(&error)))
        })
        .await
        .unwrap();
    assert!(again);
}

#[tokio::test]
async fn a_database_in_memory_is_shared_and_its_dropped_transactions_are_rolled_back() {
    let url: DatabaseUrl = "sqlite::memory:".parse().unwrap();
    let given = url.connect().await.unwrap();
    given.execute_unprepared("CREATE TABLE t (a INT)").await.unwrap();
    for spec in [ConnectSpec::of(&given, "x").unwrap(), url.spec("x").unwrap()] {
        assert!(spec.is_shared());
        let mut connection = Connection::new(spec);
        let failure = connection
            .run(Duration::from_millis(100), "writing", async |c| {
                let transaction = c.begin_locked("e", LONG).await?;
                transaction.execute_unprepared("INSERT INTO t VALUES (1)").await?;
                std::future::pending::<()>().await;
                transaction.commit().await
            })
            .await
            .unwrap_err();
        assert!(failure.kind() == Kind::Timeout, "{failure:?}");
        let count: i64 =
            connection.run(LONG, "asking", async |c| ask(c, "SELECT count(*) FROM t").await).await.unwrap();
        assert_eq!(count, 0);
        connection.close().await;
    }
    let given = sea_orm::Database::connect("sqlite::memory:").await.unwrap();
    assert!(ConnectSpec::of(&given, "x").unwrap().is_shared());
    let file = File::new();
    let given = file.url().connect().await.unwrap();
    given.execute_unprepared("CREATE TABLE t (a INT)").await.unwrap();
    let spec = ConnectSpec::of(&given, "x").unwrap();
    assert!(!spec.is_shared());
    given.close().await.unwrap();
    let count = async |c: &Session| ask::<i64>(c, "SELECT count(*) FROM t").await;
    assert_eq!(Connection::new(spec).run(LONG, "asking", count).await.unwrap(), 0);
}

/// It is as durable, and gives up as quickly, as one that was opened by its URL.
#[tokio::test]
async fn a_connection_that_is_passed_in_is_copied_and_made_safe() {
    let file = File::new();
    let mut options = sea_orm::ConnectOptions::new(file.dsn());
    options.map_sqlx_sqlite_opts(|options| {
        options
            .busy_timeout(Duration::from_secs(9))
            .synchronous(sea_orm::sqlx::sqlite::SqliteSynchronous::Normal)
            .create_if_missing(true)
    });
    let given = sea_orm::Database::connect(options).await.unwrap();
    assert_eq!(ask::<i64>(&given, "PRAGMA busy_timeout").await.unwrap(), 9000);
    let mut connection = Connection::new(ConnectSpec::of(&given, "x").unwrap());
    let (busy, synchronous) = connection
        .run(LONG, "asking", async |c| {
            Ok((ask::<i64>(c, "PRAGMA busy_timeout").await?, ask::<i64>(c, "PRAGMA synchronous").await?))
        })
        .await
        .unwrap();
    assert_eq!((busy, synchronous), (1000, 2));
}
