//! A database with the election's tables, and nodes that work on it.

use std::time::Duration;

use sea_orm::{ConnectionTrait, DatabaseConnection, FromQueryResult, JsonValue, Statement};
use tokio::sync::Mutex;
use uuid::Uuid;

use crate::DatabaseUrl;
use crate::store::backend::ConnectSpec;
use crate::store::connection::Connection;
use crate::store::error::StoreError;
use crate::store::observe::observe;
use crate::store::{NodeIdentity, Store};
use protocol::{
    Belief, Claim, Electorate, HeartbeatSeq, Incarnation, PeerView, Reply, Request, Snapshot, TakeOver, Term,
};

/// No contract is about time. This is enough for a busy machine.
pub(super) const LONG: Duration = Duration::from_secs(20);

/// T, unless a contract has its own.
const TIMEOUT: Duration = Duration::from_secs(60);

/// An election of a test's own.
pub(super) struct Fixture {
    pub url: DatabaseUrl,
    /// The URL as it was given, password included.
    #[cfg(feature = "postgres")]
    pub dsn: String,
    pub election: String,
    /// For checks, and for changes by hand.
    pub raw: DatabaseConnection,
    /// Observes the election without taking part.
    observer: Mutex<Connection>,
    #[cfg(feature = "sqlite")]
    _file: Option<File>,
}

/// A process that takes part.
pub(super) struct Node {
    pub store: Store,
    pub who: NodeIdentity,
    /// At least as high as any heartbeat counter this process may have written.
    pub written: HeartbeatSeq,
}

#[cfg(feature = "postgres")]
impl Fixture {
    /// On the database that all tests share, in an election of its own.
    pub async fn postgres() -> Self {
        static URL: tokio::sync::OnceCell<String> = tokio::sync::OnceCell::const_new();
        let url = URL.get_or_init(|| async {
            let url = testkit::Postgres::shared().database("contracts").url();
            migrated(&url.parse().unwrap()).await;
            url
        });
        Self::on(url.await).await
    }

    /// On a database of its own, whose name it returns.
    pub async fn own_postgres(name: &str) -> (Self, testkit::Database<'static>) {
        let database = testkit::Postgres::shared().database(name);
        migrated(&database.url().parse().unwrap()).await;
        (Self::on(&database.url()).await, database)
    }

    pub async fn on(dsn: &str) -> Self {
        let url: DatabaseUrl = dsn.parse().unwrap();
        Self {
            dsn: dsn.to_owned(),
            raw: url.connect().await.unwrap(),
            observer: Mutex::new(Connection::new(url.spec("observer").unwrap())),
            url,
            election: format!("e-{}", Uuid::new_v4()),
            #[cfg(feature = "sqlite")]
            _file: None,
        }
    }
}

#[cfg(feature = "sqlite")]
impl Fixture {
    pub async fn sqlite() -> Self {
        let file = File::new();
        let url = file.url();
        migrated(&url).await;
        Self {
            raw: url.connect().await.unwrap(),
            observer: Mutex::new(Connection::new(url.spec("observer").unwrap())),
            url,
            #[cfg(feature = "postgres")]
            dsn: String::new(),
            election: format!("e-{}", Uuid::new_v4()),
            _file: Some(file),
        }
    }
}

async fn migrated(url: &DatabaseUrl) {
    let connection = url.connect().await.unwrap();
    migration::migrate(&connection).await.unwrap();
    connection.close().await.unwrap();
}

impl Fixture {
    /// A process of that id, not registered yet.
    pub fn process(&self, id: &str, priority: i32) -> Node {
        self.process_of(&self.election, id, priority)
    }

    pub fn process_of(&self, election: &str, id: &str, priority: i32) -> Node {
        self.node_on(self.spec(), election, id, priority)
    }

    /// One that connects by another URL.
    #[cfg(feature = "postgres")]
    pub fn process_through(&self, dsn: &str, election: &str, id: &str, priority: i32) -> Node {
        let url: DatabaseUrl = dsn.parse().unwrap();
        self.node_on(url.spec(&self.application_name()).unwrap(), election, id, priority)
    }

    /// The session name of this election's nodes.
    pub fn application_name(&self) -> String {
        format!("leader-election/{}", self.election)
    }

    pub fn spec(&self) -> ConnectSpec {
        self.url.spec(&self.application_name()).unwrap()
    }

    fn node_on(&self, spec: ConnectSpec, election: &str, id: &str, priority: i32) -> Node {
        let who = NodeIdentity {
            election: election.to_owned(),
            node_id: id.to_owned(),
            incarnation: random_incarnation(),
            priority,
            address: Some(format!("http://{id}")),
            lease_duration: Duration::from_secs(10),
            term_history: 3,
        };
        Node { store: Store::new(spec, who.clone()), who, written: HeartbeatSeq::ZERO }
    }

    /// A registered node.
    pub async fn node(&self, id: &str) -> Node {
        self.ranked(id, 0).await
    }

    pub async fn ranked(&self, id: &str, priority: i32) -> Node {
        let mut node = self.process(id, priority);
        node.join().await;
        node
    }

    /// A registered node that leads, and its term.
    pub async fn leader(&self, id: &str) -> (Node, Term) {
        let mut node = self.node(id).await;
        let term = node.lead().await;
        (node, term)
    }

    /// Runs SQL by hand; `$e` stands for the election as a literal.
    pub async fn sql(&self, sql: &str) -> u64 {
        self.try_sql(sql).await.unwrap_or_else(|error| panic!("{sql}: {error}"))
    }

    pub async fn try_sql(&self, sql: &str) -> Result<u64, sea_orm::DbErr> {
        self.raw.execute_unprepared(&self.spelled(sql)).await.map(|done| done.rows_affected())
    }

    /// The rows of a query, as JSON objects.
    pub async fn rows(&self, sql: &str) -> Vec<JsonValue> {
        let statement = Statement::from_string(self.raw.get_database_backend(), self.spelled(sql));
        JsonValue::find_by_statement(statement).all(&self.raw).await.unwrap_or_else(|e| panic!("{sql}: {e}"))
    }

    /// The number that a query returns.
    pub async fn number(&self, sql: &str) -> i64 {
        let statement = Statement::from_string(self.raw.get_database_backend(), self.spelled(sql));
        self.raw.query_one_raw(statement).await.unwrap().unwrap().try_get_by_index(0).unwrap()
    }

    fn spelled(&self, sql: &str) -> String {
        sql.replace("$e", &format!("'{}'", self.election))
    }

    /// The snapshot of a node that is not in the election.
    pub async fn view(&self) -> Snapshot {
        self.view_of("nobody").await
    }

    /// The snapshot of the node with this id.
    pub async fn view_of(&self, id: &str) -> Snapshot {
        let mut observer = self.observer.lock().await;
        let observed = observer.run(LONG, "observing", async |db| observe(db, &self.election, id, &[]).await);
        observed.await.unwrap()
    }

    /// All rows, to compare when a request must do nothing.
    pub async fn everything(&self) -> Vec<JsonValue> {
        let mut rows = self.rows("SELECT * FROM node_records WHERE election = $e ORDER BY id").await;
        rows.extend(self.rows("SELECT * FROM election_terms WHERE election = $e ORDER BY term").await);
        rows
    }

    /// How many terms there are, and how many of them are open.
    pub async fn terms(&self) -> (i64, i64) {
        let count = self.number("SELECT count(*) FROM election_terms WHERE election = $e").await;
        let open = "SELECT count(*) FROM election_terms WHERE election = $e AND ended_at IS NULL";
        (count, self.number(open).await)
    }
}

impl Node {
    pub fn incarnation(&self) -> Incarnation {
        self.who.incarnation
    }

    /// Becomes another process, which has not registered yet. It keeps the connection, because making one is slow.
    pub fn restart(&mut self) {
        self.who.incarnation = random_incarnation();
        self.store.write_as(self.who.clone());
        self.written = HeartbeatSeq::ZERO;
    }

    /// Another process of the same id.
    pub fn successor(&self, fixture: &Fixture) -> Self {
        fixture.process_of(&self.who.election, &self.who.node_id, self.who.priority)
    }

    pub async fn attempt(&mut self, request: &Request, limit: Duration) -> Result<Reply, StoreError> {
        self.store.carry_out(request, limit).await
    }

    pub async fn ask(&mut self, request: Request) -> Reply {
        let reply = self.attempt(&request, LONG).await;
        let reply = reply.unwrap_or_else(|failure| panic!("{request:?}: {failure:?}"));
        let written = match (&reply, &request) {
            (Reply::Registered { seq } | Reply::HeartbeatAck { seq: Some(seq) }, _) => *seq,
            (Reply::Claimed { .. }, Request::Claim(claim)) => claim.seq_floor.next(),
            _ => HeartbeatSeq::ZERO,
        };
        self.written = self.written.max(written);
        reply
    }

    pub async fn register(&mut self, take_over: Option<TakeOver>) -> Reply {
        self.ask(Request::Register { take_over }).await
    }

    pub async fn join(&mut self) {
        assert!(matches!(self.register(None).await, Reply::Registered { .. }));
    }

    /// Sends a follower's heartbeat.
    pub async fn follower_heartbeat(&mut self) -> Option<i64> {
        self.heartbeat(Belief::Follower, self.written.get()).await
    }

    pub async fn renew(&mut self, term: Term) -> Option<i64> {
        self.heartbeat(Belief::Leader(term), self.written.get()).await
    }

    /// The count that the heartbeat wrote. None if it found no row that it is bound to.
    pub async fn heartbeat(&mut self, belief: Belief, seq_floor: i64) -> Option<i64> {
        let seq_floor = HeartbeatSeq::new(seq_floor);
        match self.ask(Request::Heartbeat { belief, seq_floor }).await {
            Reply::HeartbeatAck { seq } => seq.map(HeartbeatSeq::get),
            other => panic!("a heartbeat was answered with {other:?}"),
        }
    }

    pub async fn view(&mut self, terms: &[Term]) -> Snapshot {
        match self.ask(Request::Observe { terms: terms.to_vec() }).await {
            Reply::Snapshot(view) => view,
            other => panic!("an observation was answered with {other:?}"),
        }
    }

    /// A claim that takes the leadership in `view` for over, and skips all other nodes.
    pub fn claim_on(&self, view: &Snapshot) -> Claim {
        let others = view.nodes.iter().filter(|row| row.id != self.who.node_id);
        let known = others
            .map(|row| PeerView {
                id: row.id.clone(),
                incarnation: row.incarnation,
                heartbeat_seq: row.heartbeat_seq,
                live: true,
                skipped: true,
            })
            .collect();
        let electorate = self.electorate(known);
        let own = view.node(&self.who.node_id).filter(|row| row.incarnation == self.incarnation());
        let seq_floor = own.map_or(HeartbeatSeq::ZERO, |row| row.heartbeat_seq).max(self.written);
        Claim { incumbent: view.incumbent(), electorate, min_term: Term::NONE, seq_floor }
    }

    pub fn electorate(&self, peers: Vec<PeerView>) -> Electorate {
        Electorate {
            id: self.who.node_id.clone(),
            incarnation: self.incarnation(),
            election_timeout: TIMEOUT,
            peers,
        }
    }

    /// Observes, and claims on that.
    pub async fn claim(&mut self) -> Reply {
        let view = self.view(&[]).await;
        let claim = self.claim_on(&view);
        self.ask(Request::Claim(claim)).await
    }

    pub async fn lead(&mut self) -> Term {
        match self.claim().await {
            Reply::Claimed { term } => term,
            other => panic!("{} was to lead: {other:?}", self.who.node_id),
        }
    }
}

/// A SQLite file that is deleted with the test.
#[cfg(feature = "sqlite")]
pub(in crate::store) struct File(testkit::TempDir);

#[cfg(feature = "sqlite")]
impl File {
    pub fn new() -> Self {
        Self(testkit::directory())
    }

    pub fn url(&self) -> DatabaseUrl {
        self.dsn().parse().unwrap()
    }

    pub fn dsn(&self) -> String {
        format!("sqlite:{}", self.0.path().join("store.db").display())
    }
}

/// The term that the next claim opens.
pub(super) fn after(term: Term) -> Term {
    Term::new(term.get() + 1)
}

fn random_incarnation() -> Incarnation {
    Incarnation(Uuid::new_v4().as_u128())
}
