//! The API's reads, on a connection of their own.

use std::time::Duration;

use entity::sea_orm_active_enums::NodeStatus as NodeStatusColumn;
use entity::{election_terms as terms, node_records as nodes};
use sea_orm::sea_query::{Expr, ExprTrait};
use sea_orm::{ColumnTrait, EntityTrait, FromQueryResult, QueryFilter, QueryOrder, QuerySelect, Select};
use uuid::Uuid;

use super::backend::ConnectSpec;
use super::connection::Connection;
use super::error::{Kind, StoreError};
use super::session::Session;
use super::values;
use protocol::Term;

/// How long a read may take, from the caller's request on.
pub(crate) const READ_LIMIT: Duration = Duration::from_secs(5);

/// Reads for callers.
pub(crate) struct Reader {
    connection: Connection,
    election: String,
    /// T: a row whose last heartbeat is older does not count as live.
    timeout: Duration,
}

/// A live node's row.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct LiveNode {
    pub id: String,
    pub status: protocol::NodeStatus,
    pub priority: i32,
    pub eligible: bool,
    pub term: Term,
    pub address: Option<String>,
    pub heartbeat_age: Duration,
}

#[derive(FromQueryResult)]
struct Row {
    id: String,
    incarnation: Uuid,
    status: NodeStatusColumn,
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

    /// The live nodes, the best-ranked first. `limit` is the rest of [`READ_LIMIT`].
    pub async fn nodes(&mut self, limit: Duration) -> Result<Vec<LiveNode>, StoreError> {
        let Self { connection, election, timeout } = self;
        connection
            .run(limit, "reading the nodes", async |db| {
                let rows = live(db, election, *timeout).into_model::<Row>().all(db).await?;
                Ok(rows.into_iter().map(LiveNode::from).collect())
            })
            .await
            .map_err(of_all_the_time)
    }

    /// The live leader: the open term's, if its row agrees with it. `limit` is the rest of [`READ_LIMIT`].
    pub async fn leader(&mut self, limit: Duration) -> Result<Option<LiveNode>, StoreError> {
        let Self { connection, election, timeout } = self;
        connection
            .run(limit, "reading the leader", async |db| {
                let open = terms::Entity::find()
                    .filter(terms::Column::Election.eq(election.as_str()))
                    .filter(terms::Column::EndedAt.is_null())
                    .one(db)
                    .await?;
                let Some(open) = open else { return Ok(None) };
                let row = live(db, election, *timeout)
                    .filter(nodes::Column::Id.eq(open.leader_id))
                    .into_model::<Row>()
                    .one(db)
                    .await?;
                let agrees = |row: &Row| {
                    row.status == NodeStatusColumn::Leader
                        && (row.incarnation, row.term) == (open.incarnation, open.term)
                };
                Ok(row.filter(agrees).map(LiveNode::from))
            })
            .await
            .map_err(of_all_the_time)
    }

    /// Closes the connection.
    pub async fn close(&mut self) {
        self.connection.close().await;
    }
}

/// Reports the whole limit. A read that had to wait for others had less time, but its caller waited for all of it.
fn of_all_the_time(error: StoreError) -> StoreError {
    match error.kind() {
        Kind::Timeout => StoreError::timeout(error.step, error.connecting, READ_LIMIT),
        _ => error,
    }
}

/// The rows with a recent heartbeat, the best-ranked first, in the columns of [`Row`].
fn live(db: &Session, election: &str, timeout: Duration) -> Select<nodes::Entity> {
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
}

impl From<Row> for LiveNode {
    fn from(row: Row) -> Self {
        Self {
            id: row.id,
            status: values::node_status(row.status),
            priority: row.priority,
            eligible: row.eligible,
            term: Term::new(row.term),
            address: row.address,
            // The database's clock may have gone back. Then the heartbeat counts as new.
            heartbeat_age: values::age(row.age),
        }
    }
}
