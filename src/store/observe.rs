//! Observes an election: one statement, so one snapshot, and a bounded number of rows however many nodes there are.

use entity::election_terms as terms;
use entity::node_records as nodes;
use entity::sea_orm_active_enums::NodeStatus;
use protocol::CANDIDATES_READ;
use protocol::EndReason;
use protocol::HeartbeatSeq;
use protocol::NodeRow;
use protocol::Snapshot;
use protocol::Term;
use protocol::TermRow;
use sea_orm::ConnectionTrait;
use sea_orm::DbErr;
use sea_orm::FromQueryResult;
use sea_orm::sea_query::Asterisk;
use sea_orm::sea_query::Expr;
use sea_orm::sea_query::ExprTrait;
use sea_orm::sea_query::Order;
use sea_orm::sea_query::Query;
use sea_orm::sea_query::SelectStatement;
use sea_orm::sea_query::UnionType;
use uuid::Uuid;

use super::dialect::Dialect;
use super::dialect::leader_literal;
use super::end_reason;
use super::session::Session;
use super::values;

/// The value of the column `kind` in a term's row.
const TERM: &str = "term";
/// The value of the column `kind` in a node's row.
const NODE: &str = "node";

/// The columns of a term's row.
#[derive(FromQueryResult)]
struct TermColumns {
    id: String,
    incarnation: Uuid,
    term: i64,
    lease_ms: i64,
    ended: bool,
    end_reason: Option<String>,
    successor: Option<String>,
}

/// The columns of a node's row.
#[derive(FromQueryResult)]
struct NodeColumns {
    id: String,
    incarnation: Uuid,
    term: i64,
    lease_ms: i64,
    status: NodeStatus,
    priority: i32,
    eligible: bool,
    heartbeat_seq: i64,
    age: f64,
}

/// Reads what `me` needs to know: the open and the newest term and the `asked` ones; the rows with the status leader,
/// the leader's row, the successor's, its own and the best-ranked eligible ones.
pub(super) async fn observe(
    db: &Session,
    election: &str,
    me: &str,
    asked: &[Term],
) -> Result<Snapshot, DbErr> {
    let mut snapshot = Snapshot::default();
    for row in db.query_all(&query(db.dialect(), election, me, asked)).await? {
        if row.try_get::<String>("", "kind")? == TERM {
            snapshot.terms.push(TermColumns::from_query_result(&row, "")?.into());
            continue;
        }
        let node: NodeRow = NodeColumns::from_query_result(&row, "")?.into();
        // The result may have a row more than once, in the same version each time.
        if snapshot.node(&node.id).is_none() {
            snapshot.nodes.push(node);
        }
    }
    Ok(snapshot)
}

/// Terms and nodes in one result: each row has the columns of both kinds; those of the other kind are null.
pub(super) fn query(dialect: &dyn Dialect, election: &str, me: &str, asked: &[Term]) -> SelectStatement {
    let mut query = terms_query(election, asked);
    for wanted in nodes_queries(dialect, election, me) {
        query.union(UnionType::All, wanted);
    }
    query
}

fn terms_query(election: &str, asked: &[Term]) -> SelectStatement {
    let mut wanted =
        Expr::col(terms::Column::EndedAt).is_null().or(Expr::col(terms::Column::Term).eq(newest(election)));
    if !asked.is_empty() {
        wanted = wanted.or(Expr::col(terms::Column::Term).is_in(asked.iter().map(|term| term.get())));
    }
    Query::select()
        .expr_as(text(TERM), "kind")
        .expr_as(Expr::col(terms::Column::LeaderId), "id")
        .column(terms::Column::Incarnation)
        .column(terms::Column::Term)
        .column(terms::Column::LeaseMs)
        .expr_as(Expr::col(terms::Column::EndedAt).is_not_null(), "ended")
        .expr_as(Expr::col(terms::Column::EndReason).cast_as("text"), "end_reason")
        .column(terms::Column::Successor)
        .expr_as(null("text"), "status")
        .expr_as(null("integer"), "priority")
        .expr_as(null("boolean"), "eligible")
        .expr_as(null("bigint"), "heartbeat_seq")
        .expr_as(null("double precision"), "age")
        .from(terms::Entity)
        .and_where(Expr::col(terms::Column::Election).eq(election))
        .and_where(wanted)
        .take()
}

/// Each query finds its rows by an index. With one list of ids, the planner would scan the whole table as long as it
/// takes the table to be small.
fn nodes_queries(dialect: &dyn Dialect, election: &str, me: &str) -> [SelectStatement; 5] {
    let id = || Expr::col(nodes::Column::Id);
    let leading =
        node_rows(dialect, election).and_where(Expr::col(nodes::Column::Status).eq(leader_literal())).take();
    let own = node_rows(dialect, election).and_where(id().eq(me)).take();
    let open = Query::select()
        .column(terms::Column::LeaderId)
        .from(terms::Entity)
        .and_where(Expr::col(terms::Column::Election).eq(election))
        .and_where(Expr::col(terms::Column::EndedAt).is_null())
        .take();
    let open = node_rows(dialect, election).and_where(id().eq(scalar(open))).take();
    let successor = Query::select()
        .column(terms::Column::Successor)
        .from(terms::Entity)
        .and_where(Expr::col(terms::Column::Election).eq(election))
        .and_where(Expr::col(terms::Column::Term).eq(newest(election)))
        .take();
    let successor = node_rows(dialect, election).and_where(id().eq(scalar(successor))).take();
    let best = node_rows(dialect, election)
        .and_where(Expr::col(nodes::Column::Eligible))
        .order_by(nodes::Column::Priority, Order::Desc)
        .order_by(nodes::Column::Id, Order::Asc)
        .limit(CANDIDATES_READ as u64)
        .take();
    let best = Query::select().column(Asterisk).from_subquery(best, "best").take();
    [leading, own, open, successor, best]
}

/// The nodes of an election.
fn node_rows(dialect: &dyn Dialect, election: &str) -> SelectStatement {
    Query::select()
        .expr_as(text(NODE), "kind")
        .column(nodes::Column::Id)
        .column(nodes::Column::Incarnation)
        .column(nodes::Column::Term)
        .column(nodes::Column::LeaseMs)
        .expr_as(null("boolean"), "ended")
        .expr_as(null("text"), "end_reason")
        .expr_as(null("text"), "successor")
        .expr_as(Expr::col(nodes::Column::Status).cast_as("text"), "status")
        .column(nodes::Column::Priority)
        .column(nodes::Column::Eligible)
        .column(nodes::Column::HeartbeatSeq)
        .expr_as(dialect.heartbeat_age(), "age")
        .from(nodes::Entity)
        .and_where(Expr::col(nodes::Column::Election).eq(election))
        .take()
}

/// A literal, so that the statement has no parameter for it.
fn text(literal: &str) -> Expr {
    Expr::cust(format!("CAST('{literal}' AS text)"))
}

fn null(data_type: &str) -> Expr {
    Expr::cust(format!("CAST(NULL AS {data_type})"))
}

fn scalar(query: SelectStatement) -> Expr {
    Expr::SubQuery(None, Box::new(query.into()))
}

/// The highest term of the election, as an expression.
fn newest(election: &str) -> Expr {
    let newest = Query::select()
        .expr(Expr::col(terms::Column::Term).max())
        .from(terms::Entity)
        .and_where(Expr::col(terms::Column::Election).eq(election))
        .take();
    scalar(newest)
}

impl From<TermColumns> for TermRow {
    fn from(row: TermColumns) -> Self {
        let ended = || row.end_reason.as_deref().map_or(EndReason::Expired, end_reason::from_text);
        Self {
            term: Term::new(row.term),
            leader_id: row.id,
            incarnation: values::incarnation(row.incarnation),
            lease_duration: values::milliseconds(row.lease_ms),
            end_reason: row.ended.then(ended),
            successor: row.successor,
        }
    }
}

impl From<NodeColumns> for NodeRow {
    fn from(row: NodeColumns) -> Self {
        Self {
            id: row.id,
            incarnation: values::incarnation(row.incarnation),
            status: values::node_status(row.status),
            priority: row.priority,
            eligible: row.eligible,
            term: Term::new(row.term),
            heartbeat_seq: HeartbeatSeq::new(row.heartbeat_seq),
            lease_duration: values::milliseconds(row.lease_ms),
            heartbeat_age: values::age(row.age),
        }
    }
}
