//! The real side: a database, a connection for every process, and its rows as values of the model.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use entity::sea_orm_active_enums::NodeStatus as Status;
use entity::{election_terms as terms, node_records as nodes};
use leader_election::__private::{NodeIdentity, RawStore};
use leader_election::DatabaseUrl;
use protocol::{EndReason, HeartbeatSeq, Incarnation, NodeStatus, Reply, Request, Term, TermRow};
use sea_orm::{ColumnTrait, ConnectionTrait, DatabaseConnection, DbBackend, EntityTrait, QueryFilter};
use simulation::database::NodeRecord;
use uuid::Uuid;

use crate::steps::PROCESSES;

/// No comparison is about time. This is enough for a busy machine.
const LIMIT: Duration = Duration::from_secs(30);

pub struct TestDatabase {
    raw: DatabaseConnection,
    processes: Vec<RawStore>,
    election: String,
}

impl TestDatabase {
    pub async fn open(url: &str) -> Self {
        let url: DatabaseUrl = url.parse().unwrap();
        let raw = url.connect().await.unwrap();
        migration::migrate(&raw).await.unwrap();
        let nobody = NodeIdentity {
            election: String::new(),
            node_id: String::new(),
            incarnation: Incarnation(0),
            priority: 0,
            address: None,
            lease_duration: Duration::ZERO,
            term_history: 1,
        };
        let processes = (0..PROCESSES).map(|_| RawStore::new(&url, nobody.clone()).unwrap());
        Self { raw, processes: processes.collect(), election: String::new() }
    }

    /// The same database, with a new election.
    pub fn begin(&mut self, identities: Vec<NodeIdentity>) {
        self.election = Uuid::new_v4().to_string();
        for (process, identity) in self.processes.iter_mut().zip(identities) {
            process.write_as(NodeIdentity { election: self.election.clone(), ..identity });
        }
    }

    pub async fn ask(&mut self, process: usize, request: &Request) -> Result<Reply, String> {
        self.processes[process].perform(request, LIMIT).await.map_err(|error| error.to_string())
    }

    pub async fn ask_both(
        &mut self,
        one: (usize, &Request),
        other: (usize, &Request),
    ) -> Result<[Reply; 2], String> {
        let [first, second] = self.processes.get_disjoint_mut([one.0, other.0]).map_err(|e| e.to_string())?;
        let (first, second) = tokio::join!(first.perform(one.1, LIMIT), second.perform(other.1, LIMIT));
        Ok([first.map_err(|error| error.to_string())?, second.map_err(|error| error.to_string())?])
    }

    /// Runs SQL by hand. `$e` is the election, `$now` the database's clock; `$ago(N)` is N seconds ago.
    pub async fn edit_by_hand(&self, sql: &str) -> Result<(), String> {
        let sqlite = self.raw.get_database_backend() == DbBackend::Sqlite;
        let clock = |ago: &str| match sqlite {
            true => format!("strftime('%Y-%m-%d %H:%M:%f+00:00', 'now', '-{ago} seconds')"),
            false => format!("clock_timestamp() - interval '{ago} seconds'"),
        };
        let mut sql = sql.replace("$e", &format!("'{}'", self.election)).replace("$now", &clock("0"));
        if let Some((before, after)) = sql.clone().split_once("$ago(") {
            let (ago, after) = after.split_once(')').unwrap();
            sql = format!("{before}{}{after}", clock(ago));
        }
        self.raw.execute_unprepared(&sql).await.map(drop).map_err(|error| format!("{sql}: {error}"))
    }

    /// All rows, as the model would have them at its time `now`.
    pub async fn rows(&self, now: i64) -> (BTreeMap<String, NodeRecord>, BTreeMap<Term, TermRow>) {
        let mine = nodes::Column::Election.eq(&self.election);
        let rows = nodes::Entity::find().filter(mine).all(&self.raw).await.unwrap();
        let wall = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs().cast_signed();
        let node = |row: nodes::Model| {
            let age = coarse(wall - row.last_heartbeat.timestamp());
            let node = NodeRecord {
                incarnation: Incarnation(row.incarnation.as_u128()),
                status: match row.status {
                    Status::Follower => NodeStatus::Follower,
                    Status::Candidate => NodeStatus::Candidate,
                    Status::Leader => NodeStatus::Leader,
                },
                priority: row.priority,
                eligible: row.eligible,
                term: Term::new(row.term),
                heartbeat_seq: HeartbeatSeq::new(row.heartbeat_seq),
                last_heartbeat: now - age * 1_000_000,
                lease: Duration::from_millis(row.lease_ms.unsigned_abs()),
            };
            (row.id, node)
        };
        let mine = terms::Column::Election.eq(&self.election);
        let terms = terms::Entity::find().filter(mine).all(&self.raw).await.unwrap();
        (rows.into_iter().map(node).collect(), terms.into_iter().map(term).collect())
    }
}

/// An age in seconds, without the time that the test took.
pub fn coarse(seconds: i64) -> i64 {
    const KNOWN: [i64; 4] = [0, 30, 100, 1000];
    KNOWN.into_iter().find(|age| (*age - 1..age + 25).contains(&seconds)).unwrap_or(seconds)
}

fn term(row: terms::Model) -> (Term, TermRow) {
    let reason = row.end_reason.map(|reason| match reason.as_str() {
        "resigned" => EndReason::Resigned,
        "transferred" => EndReason::Transferred,
        "preempted" => EndReason::Preempted,
        "lapsed" => EndReason::Lapsed,
        "expired" => EndReason::Expired,
        "replaced" => EndReason::Replaced,
        other => panic!("the store wrote {other}"),
    });
    assert_eq!(row.ended_at.is_some(), reason.is_some(), "term {} has ended, or has not", row.term);
    let term = TermRow {
        term: Term::new(row.term),
        leader_id: row.leader_id,
        incarnation: Incarnation(row.incarnation.as_u128()),
        lease_duration: Duration::from_millis(row.lease_ms.unsigned_abs()),
        end_reason: reason,
        successor: row.successor,
    };
    (term.term, term)
}
