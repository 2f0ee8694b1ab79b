//! A look at an election: one statement, so one snapshot, and O(1) rows however many nodes there are.

use std::time::Duration;

use entity::{election_terms as terms, node_records as nodes};
use sea_orm::sea_query::{Asterisk, Expr, ExprTrait, Order, Query, SelectStatement, UnionType};
use sea_orm::{ConnectionTrait, DbBackend, DbErr, FromQueryResult};
use uuid::Uuid;

use super::dialect::{heartbeat_age, leader_literal};
use super::end_reason::from_text;
use protocol::{EndReason, HeartbeatSeq, Incarnation, NodeRow, NodeStatus, Snapshot, Term, TermRow};

/// How many of the best-ranked eligible rows a look brings.
const BEST: u64 = 8;

/// Either a term's or a node's row; the columns of the one are constants in the other.
#[derive(FromQueryResult)]
struct Row {
    of_node: i32,
    id: String,
    incarnation: Uuid,
    /// Of a term.
    ended: bool,
    /// Of a node.
    status: Option<String>,
    priority: i32,
    eligible: bool,
    term: i64,
    seq: i64,
    lease_ms: i64,
    age: f64,
    reason: Option<String>,
    successor: Option<String>,
}

/// Reads what `me` needs to know: the open and the newest term and the `asked` ones; the rows that say leader, the
/// leader's, the successor's, the own and the best-ranked eligible ones.
pub(super) async fn observe<C: ConnectionTrait>(
    db: &C,
    election: &str,
    me: &str,
    asked: &[Term],
) -> Result<Snapshot, DbErr> {
    let mut view = Snapshot::default();
    for row in db.query_all(&query(db.get_database_backend(), election, me, asked)).await? {
        let row = Row::from_query_result(&row, "")?;
        if row.of_node == 0 {
            view.terms.push(term(row));
        } else if view.node(&row.id).is_none() {
            // It may be wanted for more than one reason; the snapshot is one.
            view.nodes.push(node(row));
        }
    }
    Ok(view)
}

pub(super) fn query(backend: DbBackend, election: &str, me: &str, asked: &[Term]) -> SelectStatement {
    let mut query = terms_query(election, asked);
    for wanted in nodes_queries(backend, election, me) {
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
        .expr_as(Expr::cust("0"), "of_node")
        .expr_as(Expr::col(terms::Column::LeaderId), "id")
        .column(terms::Column::Incarnation)
        .expr_as(Expr::col(terms::Column::EndedAt).is_not_null(), "ended")
        .expr_as(Expr::cust("CAST(NULL AS text)"), "status")
        .expr_as(Expr::cust("0"), "priority")
        .expr_as(Expr::cust("TRUE"), "eligible")
        .column(terms::Column::Term)
        .expr_as(Expr::cust("0"), "seq")
        .column(terms::Column::LeaseMs)
        .expr_as(Expr::cust("0.0"), "age")
        .expr_as(Expr::col(terms::Column::EndReason), "reason")
        .column(terms::Column::Successor)
        .from(terms::Entity)
        .and_where(Expr::col(terms::Column::Election).eq(election))
        .and_where(wanted)
        .take()
}

/// Each finds its rows by an index of its own. Asked for by one list of ids, they would be looked for in all rows of
/// the table, as long as the planner finds it small.
fn nodes_queries(backend: DbBackend, election: &str, me: &str) -> [SelectStatement; 5] {
    let id = || Expr::col(nodes::Column::Id);
    let leading =
        node_rows(backend, election).and_where(Expr::col(nodes::Column::Status).eq(leader_literal())).take();
    let own = node_rows(backend, election).and_where(id().eq(me)).take();
    let open = Query::select()
        .column(terms::Column::LeaderId)
        .from(terms::Entity)
        .and_where(Expr::col(terms::Column::Election).eq(election))
        .and_where(Expr::col(terms::Column::EndedAt).is_null())
        .take();
    let open = node_rows(backend, election).and_where(id().eq(scalar(open))).take();
    let successor = Query::select()
        .column(terms::Column::Successor)
        .from(terms::Entity)
        .and_where(Expr::col(terms::Column::Election).eq(election))
        .and_where(Expr::col(terms::Column::Term).eq(newest(election)))
        .take();
    let successor = node_rows(backend, election).and_where(id().eq(scalar(successor))).take();
    let best = node_rows(backend, election)
        .and_where(Expr::col(nodes::Column::Eligible))
        .order_by(nodes::Column::Priority, Order::Desc)
        .order_by(nodes::Column::Id, Order::Asc)
        .limit(BEST)
        .take();
    let best = Query::select().column(Asterisk).from_subquery(best, "best").take();
    [leading, own, open, successor, best]
}

/// The nodes of an election, in the columns of [`Row`].
fn node_rows(backend: DbBackend, election: &str) -> SelectStatement {
    Query::select()
        .expr_as(Expr::cust("1"), "of_node")
        .column(nodes::Column::Id)
        .column(nodes::Column::Incarnation)
        .expr_as(Expr::cust("FALSE"), "ended")
        .expr_as(Expr::col(nodes::Column::Status).cast_as("text"), "status")
        .column(nodes::Column::Priority)
        .column(nodes::Column::Eligible)
        .column(nodes::Column::Term)
        .expr_as(Expr::col(nodes::Column::HeartbeatSeq), "seq")
        .column(nodes::Column::LeaseMs)
        .expr_as(heartbeat_age(backend), "age")
        .expr_as(Expr::cust("CAST(NULL AS text)"), "reason")
        .expr_as(Expr::cust("CAST(NULL AS text)"), "successor")
        .from(nodes::Entity)
        .and_where(Expr::col(nodes::Column::Election).eq(election))
        .take()
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

fn term(row: Row) -> TermRow {
    TermRow {
        term: Term::new(row.term),
        leader_id: row.id,
        incarnation: Incarnation(row.incarnation.as_u128()),
        lease_duration: milliseconds(row.lease_ms),
        end_reason: row.ended.then(|| row.reason.as_deref().map_or(EndReason::Expired, from_text)),
        successor: row.successor,
    }
}

fn node(row: Row) -> NodeRow {
    NodeRow {
        id: row.id,
        incarnation: Incarnation(row.incarnation.as_u128()),
        status: status(row.status.as_deref()),
        priority: row.priority,
        eligible: row.eligible,
        term: Term::new(row.term),
        heartbeat_seq: HeartbeatSeq::new(row.seq),
        lease_duration: milliseconds(row.lease_ms),
        // NaN and what is below zero count as new.
        heartbeat_age: Duration::try_from_secs_f64(row.age.max(0.0)).unwrap_or(Duration::MAX),
    }
}

fn status(name: Option<&str>) -> NodeStatus {
    match name {
        Some("leader") => NodeStatus::Leader,
        Some("candidate") => NodeStatus::Candidate,
        _ => NodeStatus::Follower,
    }
}

fn milliseconds(ms: i64) -> Duration {
    Duration::from_millis(ms.try_into().unwrap_or(0))
}
