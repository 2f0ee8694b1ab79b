//! The settings of a session on a server, and how it is opened and closed.

use std::sync::Arc;
use std::sync::Mutex;
use std::time::Instant;

use testkit::Postgres;
use testkit::StopMode;
use tokio::io::AsyncReadExt;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;
use tokio::net::TcpStream;

use super::*;

/// The message that ends a session.
const TERMINATE: &[u8] = b"X\0\0\0\x04";

/// PgBouncer's answer to an unknown parameter.
const REFUSAL: &[u8] = b"SFATAL\0VFATAL\0C08P01\0Munsupported startup parameter: options\0\0";

/// A stand-in for a pooler: forwards connections, and records the first and last messages of its clients.
#[derive(Clone, Default)]
struct Pooler {
    refuses_options: bool,
    /// Whether the start of each connection had options.
    starts: Arc<Mutex<Vec<bool>>>,
    terminations: Arc<Mutex<usize>>,
}

impl Pooler {
    /// The URL of `database` by way of this.
    async fn before(&self, database: &testkit::Database<'_>) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let pooler = self.clone();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(pooler.clone().pass(client));
            }
        });
        let url = database.url();
        let url = url.replace(&format!(":{}/", Postgres::shared().port()), &format!(":{port}/"));
        // Without it the first thing that a client says is a request for TLS.
        format!("{url}?sslmode=disable")
    }

    async fn pass(self, mut client: TcpStream) {
        let mut buffer = vec![0; 8192];
        let Ok(read @ 1..) = client.read(&mut buffer).await else { return };
        let options = buffer[..read].windows(8).any(|window| window == b"options\0");
        self.starts.lock().unwrap().push(options);
        if options && self.refuses_options {
            let mut refusal = vec![b'E'];
            refusal.extend(u32::try_from(REFUSAL.len() + 4).unwrap().to_be_bytes());
            refusal.extend(REFUSAL);
            client.write_all(&refusal).await.unwrap();
            return;
        }
        let mut server = TcpStream::connect(("127.0.0.1", Postgres::shared().port())).await.unwrap();
        server.write_all(&buffer[..read]).await.unwrap();
        let (mut from_client, mut to_client) = client.split();
        let (mut from_server, mut to_server) = server.split();
        let requests = async {
            while let Ok(read @ 1..) = from_client.read(&mut buffer).await {
                if buffer[..read].ends_with(TERMINATE) {
                    *self.terminations.lock().unwrap() += 1;
                }
                if to_server.write_all(&buffer[..read]).await.is_err() {
                    break;
                }
            }
        };
        tokio::select! {
            () = requests => {}
            _ = tokio::io::copy(&mut from_server, &mut to_client) => {}
        }
    }
}

async fn setting(connection: &mut Connection, name: &str) -> String {
    let sql = format!("SELECT current_setting('{name}')");
    connection.run(LONG, "asking", async |c| ask(c, &sql).await).await.unwrap()
}

/// For any defaults of a role or a database.
#[tokio::test]
async fn a_session_is_read_committed_and_is_not_ended_for_being_idle() {
    let database = Postgres::shared().database("defaults");
    let name = database.name();
    database.psql(&format!("ALTER DATABASE {name} SET default_transaction_isolation = serializable"));
    database.psql(&format!("ALTER DATABASE {name} SET idle_session_timeout = 200"));
    let url: DatabaseUrl = database.url().parse().unwrap();
    let given = url.connect().await.unwrap();
    for spec in [url.spec("x").unwrap(), ConnectSpec::of(&given, "x").unwrap()] {
        let mut connection = Connection::new(spec);
        assert_eq!(setting(&mut connection, "transaction_isolation").await, "read committed");
        assert_eq!(setting(&mut connection, "idle_session_timeout").await, "0");
        assert_eq!(setting(&mut connection, "client_connection_check_interval").await, "1s");
    }
}

/// PgBouncer refuses most parameters at the start of a session.
#[tokio::test]
async fn a_pooler_that_refuses_options_is_asked_once() {
    let database = Postgres::shared().database("pooler");
    let pooler = Pooler { refuses_options: true, ..Default::default() };
    let url: DatabaseUrl = pooler.before(&database).await.parse().unwrap();
    let spec = url.spec("x").unwrap();
    for _ in 0..2 {
        let mut connection = Connection::new(spec.clone());
        assert_eq!(
            connection.run(LONG, "asking", async |c| ask::<i32>(c, "SELECT 1").await).await.unwrap(),
            1
        );
        connection.close().await;
    }
    assert_eq!(*pooler.starts.lock().unwrap(), [true, false, false]);
}

/// It would be refused again, and a server may count the refusals.
#[tokio::test]
async fn a_refused_login_is_not_tried_again_in_another_way() {
    let database = Postgres::shared().database("refused");
    let pooler = Pooler::default();
    let url = pooler.before(&database).await;
    let nobody = url.replacen("://postgres:", "://nobody:", 1);
    let nowhere = url.replacen(&format!("/{}?", database.name()), "/nowhere?", 1);
    for (url, kind) in [(nobody, Kind::AccessDenied), (nowhere, Kind::NoDatabase)] {
        let mut connection = Connection::new(url.parse::<DatabaseUrl>().unwrap().spec("x").unwrap());
        let asked = connection.run(LONG, "asking", async |c| ask::<i32>(c, "SELECT 1").await);
        assert_eq!(asked.await.unwrap_err().kind(), kind);
        assert_eq!(std::mem::take(&mut *pooler.starts.lock().unwrap()), [true], "{kind:?}");
    }
}

/// Else its server's log tells of clients that vanished.
#[tokio::test]
async fn a_closed_connection_ends_its_session() {
    let database = Postgres::shared().database("good_bye");
    let pooler = Pooler::default();
    let url: DatabaseUrl = pooler.before(&database).await.parse().unwrap();
    url.spec("x").unwrap().ping(LONG).await.unwrap();
    let terminations = async |count: usize| {
        testkit::eventually("the end of the session", LONG, async || {
            *pooler.terminations.lock().unwrap() == count
        })
        .await;
    };
    terminations(1).await;
    let mut connection = Connection::new(url.spec("x").unwrap());
    connection.run(LONG, "asking", async |c| ask::<i32>(c, "SELECT 1").await).await.unwrap();
    connection.close().await;
    terminations(2).await;
    let late = async |c: &Session| c.execute_unprepared("SELECT pg_sleep(1)").await;
    connection.run(Duration::from_millis(100), "sleeping", late).await.unwrap_err();
    connection.close().await;
    terminations(3).await;
}

/// A server that is slow to accept its clients gets no second login from each of them.
#[tokio::test]
async fn an_attempt_to_connect_is_one_login() {
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    silent.set_nonblocking(true).unwrap();
    let port = silent.local_addr().unwrap().port();
    let url: DatabaseUrl = format!("postgres://me:s3cret@127.0.0.1:{port}/x").parse().unwrap();
    let logins = || std::iter::from_fn(|| silent.accept().ok()).count();
    let attempt = async |connection: &mut Connection| {
        let limit = Duration::from_millis(600);
        connection.run(limit, "asking", async |c| ask::<i32>(c, "SELECT 1").await).await.unwrap_err();
    };
    let mut connection = Connection::new(url.spec("x").unwrap());
    for _ in 0..2 {
        attempt(&mut connection).await;
        assert_eq!(logins(), 1);
    }
    // A pool does not report the reason: it is found out once per outage.
    let given = url.spec("x").unwrap().pool(LONG);
    let mut connection = Connection::new(ConnectSpec::of(&given, "x").unwrap());
    for expected in [2, 1, 1] {
        attempt(&mut connection).await;
        assert_eq!(logins(), expected);
    }
}

/// This includes a pool that was passed in, which would retry until the limit.
#[tokio::test]
async fn a_server_that_is_not_there_is_found_out_at_once() {
    let mut server = Postgres::start();
    let url: DatabaseUrl = server.url().parse().unwrap();
    let given = url.connect().await.unwrap();
    let specs = [url.spec("x").unwrap(), ConnectSpec::of(&given, "x").unwrap()];
    given.close().await.unwrap();
    server.stop(StopMode::Fast);
    for spec in specs {
        let begin = Instant::now();
        let mut connection = Connection::new(spec);
        let error =
            connection.run(LONG, "asking", async |c| ask::<i32>(c, "SELECT 1").await).await.unwrap_err();
        assert!(error.connecting && error.is_transient(), "{error}");
        assert!(error.to_string().contains("Connection refused"), "{error}");
        assert!(begin.elapsed() < LONG / 2, "{:?}", begin.elapsed());
    }
}

#[tokio::test]
async fn closings_do_not_pile_up() {
    let database = Postgres::shared().database("closings");
    let url: DatabaseUrl = database.url().parse().unwrap();
    let mut connection = Connection::new(url.spec("x").unwrap());
    let late = async |c: &Session| c.execute_unprepared("SELECT pg_sleep(1)").await;
    for _ in 0..3 {
        connection.run(Duration::from_millis(300), "sleeping", late).await.unwrap_err();
    }
    testkit::eventually("the closings are over and forgotten", LONG, async || {
        connection.run(LONG, "asking", async |c| ask::<i32>(c, "SELECT 1").await).await.unwrap();
        connection.closings.is_empty()
    })
    .await;
}
