//! Connections to a server.

use std::time::Instant;

use testkit::{Database, Postgres, StopMode, eventually};

use super::*;

fn database() -> Database<'static> {
    Postgres::shared().database("connections")
}

fn connection(url: &str) -> Connection {
    let url: DatabaseUrl = url.parse().unwrap();
    Connection::new(url.spec("leader-election/test").unwrap())
}

async fn pid(connection: &mut Connection) -> i32 {
    connection.run(LONG, "asking", async |c| ask(c, "SELECT pg_backend_pid()").await).await.unwrap()
}

async fn is_alive(connection: &mut Connection, pid: i32) -> bool {
    let sql = format!("SELECT count(*) FROM pg_stat_activity WHERE pid = {pid}");
    connection.run(LONG, "asking", async |c| ask::<i64>(c, &sql).await).await.unwrap() > 0
}

#[tokio::test]
async fn it_keeps_its_one_connection() {
    let database = database();
    let mut connection = connection(&database.url());
    let first = pid(&mut connection).await;
    for _ in 0..5 {
        assert_eq!(pid(&mut connection).await, first);
    }
    // A statement that the server rejects leaves the connection usable.
    let failure = connection
        .run(LONG, "asking", async |c| ask::<i32>(c, "SELECT 1 FROM nowhere").await)
        .await
        .unwrap_err();
    assert!(failure.kind() == Kind::SchemaMissing);
    assert_eq!(pid(&mut connection).await, first);
    let lost_race = connection
        .run(LONG, "inserting", async |c| {
            c.execute_unprepared("CREATE TEMPORARY TABLE t (a int PRIMARY KEY)").await?;
            c.execute_unprepared("INSERT INTO t VALUES (1)").await?;
            let again = c.execute_unprepared("INSERT INTO t VALUES (1)").await;
            Ok(again.is_err_and(|error| crate::store::error::is_unique_violation(&error)))
        })
        .await
        .unwrap();
    assert!(lost_race);
    assert_eq!(pid(&mut connection).await, first);
    let name: String =
        connection.run(LONG, "asking", async |c| ask(c, "SHOW application_name").await).await.unwrap();
    assert_eq!(name, "leader-election/test");
    connection.close().await;
    assert_ne!(pid(&mut connection).await, first);
}

#[tokio::test]
async fn a_command_that_is_late_costs_its_connection() {
    let database = database();
    let (mut connection, mut watcher) = (connection(&database.url()), connection(&database.url()));
    let first = pid(&mut connection).await;
    let begin = Instant::now();
    let failure = connection
        .run(Duration::from_millis(100), "sleeping", async |c| {
            c.execute_unprepared("SELECT pg_sleep(1)").await
        })
        .await
        .unwrap_err();
    assert!(failure.kind() == Kind::Timeout && failure.is_transient());
    assert!(!failure.connecting);
    // At once, although the old connection is still busy.
    assert_ne!(pid(&mut connection).await, first);
    assert!(begin.elapsed() < Duration::from_millis(900), "{:?}", begin.elapsed());
    eventually("the late backend is gone", LONG, async || !is_alive(&mut watcher, first).await).await;
}

#[tokio::test]
async fn a_dropped_command_leaves_no_transaction_behind() {
    let database = database();
    let (mut connection, mut other) = (connection(&database.url()), connection(&database.url()));
    let first = pid(&mut connection).await;
    let (locked, has_lock) = tokio::sync::oneshot::channel();
    let run = connection.run(LONG, "holding a lock", async |c| {
        let transaction = c.begin_locked("e", LONG).await?;
        ask::<String>(&*transaction, "SELECT pg_advisory_xact_lock(1)::text").await?;
        let _ = locked.send(());
        std::future::pending::<()>().await;
        transaction.commit().await
    });
    tokio::select! {
        _ = run => unreachable!("it never ends"),
        _ = has_lock => {}
    }
    other
        .run(LONG, "locking", async |c| ask::<String>(c, "SELECT pg_advisory_lock(1)::text").await)
        .await
        .unwrap();
    assert_ne!(pid(&mut connection).await, first);
    eventually("the backend is gone", LONG, async || !is_alive(&mut other, first).await).await;
}

/// At whatever moment a command is dropped, opening and `BEGIN` included, the next one finds a session that is in no
/// transaction.
#[tokio::test]
async fn a_begin_dropped_at_any_moment_leaves_no_transaction() {
    let database = database();
    let mut connection = connection(&database.url());
    for polls in 0..60 {
        let run = connection.run(LONG, "beginning", async |c| {
            let transaction = c.begin_locked("e", LONG).await?;
            transaction.execute_unprepared("SELECT 1").await?;
            transaction.commit().await
        });
        let mut run = Box::pin(run);
        for _ in 0..polls {
            if futures_poll(run.as_mut()).await {
                break;
            }
            tokio::task::yield_now().await;
        }
        drop(run);
        if polls % 3 == 0 {
            // The start of the transaction, which does not change within it.
            let now = "SELECT now()::text";
            let first: String = connection.run(LONG, "asking", async |c| ask(c, now).await).await.unwrap();
            let second: String = connection.run(LONG, "asking", async |c| ask(c, now).await).await.unwrap();
            assert_ne!(first, second, "after {polls} polls");
        }
    }
    connection.close().await;
    let mut watcher = self::connection(&database.url());
    let sql = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()";
    eventually("only the watcher is left", LONG, async || {
        watcher.run(LONG, "asking", async |c| ask::<i64>(c, sql).await).await.unwrap() == 1
    })
    .await;
}

async fn futures_poll<F: Future>(mut future: std::pin::Pin<&mut F>) -> bool {
    std::future::poll_fn(|context| std::task::Poll::Ready(future.as_mut().poll(context).is_ready())).await
}

#[tokio::test]
async fn it_outlives_its_server() {
    let mut server = Postgres::start();
    let mut connection = connection(&server.url());
    pid(&mut connection).await;
    server.stop(StopMode::Fast);
    let mut failures = Vec::new();
    for _ in 0..2 {
        let begin = Instant::now();
        let failure =
            connection.run(LONG, "asking", async |c| ask::<i32>(c, "SELECT 1").await).await.unwrap_err();
        assert!(failure.is_transient(), "{failure:?}");
        // This is noticed at once, not at the limit.
        assert!(begin.elapsed() < Duration::from_secs(2));
        failures.push(failure);
    }
    let last = failures.pop().unwrap();
    assert!(last.connecting, "{last:?}");
    let said = last.to_string();
    assert!(said.contains("Connection refused"), "{said}");
    server.start_again();
    eventually("the connection is back", LONG, async || {
        connection.run(LONG, "asking", async |c| ask::<i32>(c, "SELECT 1").await).await.is_ok()
    })
    .await;
}

#[tokio::test]
async fn an_address_that_never_answers_counts_in_the_limit() {
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = silent.local_addr().unwrap().port();
    let url: DatabaseUrl = format!("postgres://me:s3cret@127.0.0.1:{port}/x").parse().unwrap();
    let mut connection = Connection::new(url.spec("x").unwrap());
    let limit = Duration::from_millis(200);
    let begin = Instant::now();
    let failure =
        connection.run(limit, "asking", async |c| ask::<i32>(c, "SELECT 1").await).await.unwrap_err();
    assert!(begin.elapsed() < Duration::from_secs(1));
    assert!(failure.connecting && failure.kind() == Kind::Timeout);
}

#[tokio::test]
async fn the_reasons_for_a_failed_login_are_distinguished() {
    let server = Postgres::shared();
    server.psql("CREATE ROLE login_me LOGIN PASSWORD 's3cret'");
    let connect = async |url: String| {
        let url: DatabaseUrl = url.parse().unwrap();
        let error = url.connect().await.unwrap_err();
        let said = format!("{error} {error:?}");
        assert!(!said.contains("hunter2") && !said.contains("s3cret"), "{said}");
        error
    };
    let address = format!("127.0.0.1:{}", server.port());
    let error = connect(format!("postgres://login_me:hunter2@{address}/postgres")).await;
    assert!(matches!(error, Error::AccessDenied { .. }), "{error}");
    let error = connect(format!("postgres://login_me:s3cret@{address}/nowhere")).await;
    assert!(matches!(error, Error::Unreachable { .. }), "{error}");
    assert_eq!(error.kind(), ErrorKind::NoDatabase);
    assert!(chain(&error).contains("\"nowhere\" does not exist"), "{}", chain(&error));
    let given =
        format!("host=127.0.0.1 port={} user=login_me password=s3cret dbname=postgres", server.port());
    let error = connect(format!("{given} nonsense_parameter=1")).await;
    assert!(matches!(error, Error::InvalidDatabaseUrl(_)), "{error}");
    let error = connect(format!("{given} TimeZone=Nowhere")).await;
    assert!(matches!(error, Error::InvalidDatabaseUrl(_)), "{error}");

    let url: DatabaseUrl =
        format!("{given} TimeZone=Asia/Shanghai search_path='\"a b\"' work_mem=5MB").parse().unwrap();
    let connection = url.connect().await.unwrap();
    assert_eq!(ask::<String>(&connection, "SHOW search_path").await.unwrap(), "\"a b\"");
    assert_eq!(ask::<String>(&connection, "SHOW work_mem").await.unwrap(), "5MB");
    assert_eq!(ask::<String>(&connection, "SHOW TimeZone").await.unwrap(), "UTC");
}

#[tokio::test]
async fn a_connection_that_is_passed_in_is_copied_with_its_search_path() {
    let database = database();
    database.psql("CREATE SCHEMA app");
    let mut options = sea_orm::ConnectOptions::new(database.url());
    options.set_schema_search_path("app").max_connections(7).min_connections(2);
    let given = sea_orm::Database::connect(options).await.unwrap();
    let spec = ConnectSpec::of(&given, "leader-election/copy").unwrap();
    given.close().await.unwrap();
    let mut connection = Connection::new(spec);
    let path: String =
        connection.run(LONG, "asking", async |c| ask(c, "SHOW search_path").await).await.unwrap();
    assert_eq!(path, "app");
    let sql = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'leader-election/copy'";
    let count: i64 = connection.run(LONG, "asking", async |c| ask(c, sql).await).await.unwrap();
    assert_eq!(count, 1);
    let disconnected = DatabaseConnection::default();
    assert!(ConnectSpec::of(&disconnected, "x").is_none());
}

#[tokio::test]
async fn it_can_be_used_from_a_spawned_task() {
    let database = database();
    let mut connection = connection(&database.url());
    let task = tokio::spawn(async move {
        connection.run(LONG, "asking", async |c| ask::<i32>(c, "SELECT 1").await).await.unwrap()
    });
    assert_eq!(task.await.unwrap(), 1);
}

#[cfg(feature = "tls")]
#[tokio::test]
async fn each_sslmode_does_what_it_says() {
    let certificates = Certificates::new();
    let server = Postgres::start_with(
        &["ssl=on", "ssl_cert_file=server.crt", "ssl_key_file=server.key"],
        &[
            ("server.crt", &certificates.content("server.crt")),
            ("server.key", &certificates.content("server.key")),
        ],
    );
    let (ca, other_ca) = (certificates.path("ca.crt"), certificates.path("other.crt"));
    let (ca, other_ca) = (ca.display(), other_ca.display());
    let connect = async |host: &str, mode: &str| {
        let url = server.keyword_dsn().replace("host=127.0.0.1", &format!("host={host}"));
        let url = url.replace("sslmode=disable", &format!("sslmode={mode}"));
        let connection = url.parse::<DatabaseUrl>().unwrap().connect().await?;
        let sql = "SELECT ssl::text FROM pg_stat_ssl WHERE pid = pg_backend_pid()";
        Ok::<String, Error>(ask::<String>(&connection, sql).await.unwrap())
    };
    for (host, mode, encrypted) in [
        ("localhost", "disable".to_owned(), "false"),
        ("localhost", "prefer".to_owned(), "true"),
        ("localhost", "require".to_owned(), "true"),
        ("localhost", format!("verify-ca sslrootcert={ca}"), "true"),
        ("127.0.0.1", format!("verify-ca sslrootcert={ca}"), "true"),
        ("localhost", format!("require sslrootcert={ca}"), "true"),
        ("localhost", format!("verify-full sslrootcert={ca}"), "true"),
    ] {
        let used = connect(host, &mode).await.unwrap_or_else(|why| panic!("{host} {mode}: {why}"));
        assert_eq!(used, encrypted, "{host} {mode}");
    }
    for (host, mode) in [
        ("127.0.0.1", format!("verify-full sslrootcert={ca}")),
        ("localhost", format!("verify-full sslrootcert={other_ca}")),
        ("localhost", format!("verify-ca sslrootcert={other_ca}")),
        ("localhost", format!("require sslrootcert={other_ca}")),
        ("localhost", "verify-full".to_owned()),
    ] {
        let error = connect(host, &mode).await.expect_err(&mode);
        let said = chain(&error);
        assert!(said.contains("certificate"), "{host} {mode}: {said}");
    }
}

#[cfg(feature = "tls")]
#[tokio::test]
async fn tls_that_was_requested_is_never_plain_text() {
    let at = |mode: &str| -> DatabaseUrl {
        let url = Postgres::shared().keyword_dsn();
        url.replace("sslmode=disable", &format!("sslmode={mode}")).parse().unwrap()
    };
    for mode in ["require", "verify-full"] {
        let said = chain(&at(mode).connect().await.unwrap_err());
        assert!(said.contains("server does not support TLS"), "{said}");
    }
    at("prefer").connect().await.unwrap();
}

/// A certificate for `localhost` (not for its address) from an authority in `ca.crt`; `other.crt` is another
/// authority's.
#[cfg(feature = "tls")]
struct Certificates(std::path::PathBuf);

#[cfg(feature = "tls")]
impl Certificates {
    fn new() -> Self {
        let directory = std::env::temp_dir().join(format!("certificates-{}", uuid::Uuid::new_v4()));
        std::fs::create_dir(&directory).unwrap();
        let made = Self(directory);
        let script = r#"
            set -e
            for ca in ca other; do
                openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=$ca -keyout $ca.key -out $ca.crt
            done
            openssl req -newkey rsa:2048 -nodes -subj /CN=localhost -keyout server.key -out server.csr
            printf 'subjectAltName=DNS:localhost\nbasicConstraints=CA:FALSE\n' > server.ext
            openssl x509 -req -in server.csr -CA ca.crt -CAkey ca.key -CAcreateserial -days 2 \
                -extfile server.ext -out server.crt"#;
        let output = std::process::Command::new("sh").args(["-c", script]).current_dir(&made.0).output();
        let output = output.unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        made
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.0.join(name)
    }

    fn content(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.path(name)).unwrap()
    }
}

#[cfg(feature = "tls")]
impl Drop for Certificates {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
