//! The heartbeat: one statement on this node's row, bound to what the node believes.

use entity::node_records as nodes;
use entity::sea_orm_active_enums::NodeStatus;
use protocol::Belief;
use protocol::HeartbeatSeq;
use protocol::Reply;
use sea_orm::ActiveValue::Set;
use sea_orm::ColumnTrait;
use sea_orm::DbErr;
use sea_orm::EntityTrait;
use sea_orm::QueryFilter;
use sea_orm::UpdateMany;
use sea_orm::sea_query::Expr;

use super::identity::NodeIdentity;
use super::node_row::own_row;
use super::node_row::touched;
use super::session::Session;
use super::term_row::any_term;
use super::term_row::open_term;

/// A follower's heartbeat is bound to its incarnation and to its row not having the status leader. A leader's
/// heartbeat, the renewal, is bound to incarnation, status and term, and to that term's row being open. So a renewal
/// that was delayed since an earlier term renews nothing. Both are bound to a row whose count is not above `floor`,
/// so a heartbeat that arrives after a later one of its process does nothing. It changes no indexed column.
pub(super) async fn heartbeat(
    db: &Session,
    who: &NodeIdentity,
    belief: Belief,
    floor: HeartbeatSeq,
) -> Result<Reply, DbErr> {
    let update = nodes::Entity::update_many()
        .col_expr(nodes::Column::HeartbeatSeq, Expr::val(floor.next().get()))
        .filter(own_row(who))
        .filter(nodes::Column::HeartbeatSeq.lte(floor.get()));
    let update = match belief {
        Belief::Follower => as_follower(update, NodeStatus::Follower),
        Belief::Candidate => as_follower(update, NodeStatus::Candidate),
        Belief::Leader(term) => update
            .filter(nodes::Column::Status.eq(NodeStatus::Leader))
            .filter(nodes::Column::Term.eq(term.get()))
            .filter(Expr::exists(any_term(open_term(who, who.incarnation, term)))),
    };
    let rows = touched(db, update).exec_with_returning(db).await?;
    Ok(Reply::HeartbeatAck { seq: rows.first().map(|row| HeartbeatSeq::new(row.heartbeat_seq)) })
}

fn as_follower(update: UpdateMany<nodes::Entity>, status: NodeStatus) -> UpdateMany<nodes::Entity> {
    update
        .set(nodes::ActiveModel { status: Set(status), ..Default::default() })
        .filter(nodes::Column::Status.ne(NodeStatus::Leader))
}
