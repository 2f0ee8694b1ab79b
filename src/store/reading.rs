//! What the API reads for its callers, on a connection of its own.

use std::time::Duration;

use entity::sea_orm_active_enums::NodeStatus;
use entity::{election_terms as terms, node_records as nodes};
use sea_orm::sea_query::{Expr, ExprTrait};
use sea_orm::{ColumnTrait, DbErr, EntityTrait, FromQueryResult, QueryFilter, QueryOrder, QuerySelect};
use uuid::Uuid;

use super::backend::ConnectSpec;
use super::connection::Connection;
use super::error::StoreError;
use super::session::Session;
use crate::status::{Member, Role};

/// How long a read may take.
const LIMIT: Duration = Duration::from_secs(5);

/// Reads for callers.
pub(crate) struct Reader {
    connection: Connection,
    election: String,
    /// T: a row whose last heartbeat is older is not a live node's.
    timeout: Duration,
}

#[derive(FromQueryResult)]
struct Row {
    id: String,
    incarnation: Uuid,
    status: NodeStatus,
    priority: i32,
    eligible: bool,
    term: i64,
    address: Option<String>,
    age: f64,
}

impl Reader {
    pub fn new(spec: ConnectSpec, election: String, timeout: Duration) -> Self {
        Self { connection: Connection::new(spec), election, timeout }
    }

    /// The live nodes, the best-ranked first.
    pub async fn nodes(&mut self) -> Result<Vec<Member>, StoreError> {
        let Self { connection, election, timeout } = self;
        connection
            .run(LIMIT, "reading the nodes", async |db| {
                Ok(rows(db, election, *timeout).await?.into_iter().map(member).collect())
            })
            .await
    }

    /// The live leader: the open term's, whose row agrees with it.
    pub async fn leader(&mut self) -> Result<Option<Member>, StoreError> {
        let Self { connection, election, timeout } = self;
        connection
            .run(LIMIT, "reading the leader", async |db| {
                let open = terms::Entity::find()
                    .filter(terms::Column::Election.eq(election.as_str()))
                    .filter(terms::Column::EndedAt.is_null())
                    .one(db)
                    .await?;
                let Some(open) = open else { return Ok(None) };
                let rows = rows(db, election, *timeout).await?;
                let leader = rows.into_iter().find(|row| {
                    row.status == NodeStatus::Leader
                        && (&row.id, row.incarnation, row.term)
                            == (&open.leader_id, open.incarnation, open.term)
                });
                Ok(leader.map(member))
            })
            .await
    }

    pub async fn close(&mut self) {
        self.connection.close().await;
    }
}

async fn rows(db: &Session, election: &str, timeout: Duration) -> Result<Vec<Row>, DbErr> {
    use nodes::Column as C;
    let age = db.dialect().heartbeat_age();
    nodes::Entity::find()
        .select_only()
        .columns([C::Id, C::Incarnation, C::Status, C::Priority, C::Eligible, C::Term, C::Address])
        .expr_as(age.clone(), "age")
        .filter(C::Election.eq(election))
        .filter(age.lte(Expr::val(timeout.as_secs_f64())))
        .order_by_desc(C::Priority)
        .order_by_asc(C::Id)
        .into_model::<Row>()
        .all(db)
        .await
}

fn member(row: Row) -> Member {
    Member {
        id: row.id,
        role: match row.status {
            NodeStatus::Leader => Role::Leader,
            NodeStatus::Candidate => Role::Candidate,
            NodeStatus::Follower => Role::Follower,
        },
        priority: row.priority,
        eligible: row.eligible,
        term: row.term,
        address: row.address,
        heartbeat_age: Duration::try_from_secs_f64(row.age.max(0.0)).unwrap_or(Duration::MAX),
    }
}
