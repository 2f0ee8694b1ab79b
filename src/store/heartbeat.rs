//! The heartbeat: one statement on the own row, bound to what the node believes.

use entity::sea_orm_active_enums::NodeStatus;
use entity::{election_terms as terms, node_records as nodes};
use sea_orm::sea_query::{Expr, Query};
use sea_orm::{ActiveValue::Set, ColumnTrait, ConnectionTrait, DbErr, EntityTrait, QueryFilter, UpdateMany};

use super::Identity;
use super::dialect::clock;
use protocol::{Belief, HeartbeatSeq, Reply};

/// A follower's is bound to its incarnation and to its row not saying leader; a leader's, the renewal, to incarnation,
/// status and term, and to that term's row being open: a renewal stuck on the way since an earlier term renews
/// nothing. Both are bound to a row that has not gone further than `floor`: one that arrives after a later one of its
/// process does nothing. It changes no indexed column.
pub(super) async fn heartbeat<C: ConnectionTrait>(
    db: &C,
    who: &Identity,
    belief: Belief,
    floor: HeartbeatSeq,
) -> Result<Reply, DbErr> {
    let now = || clock(db.get_database_backend());
    let mut update = nodes::Entity::update_many()
        .col_expr(nodes::Column::HeartbeatSeq, Expr::val(floor.next().get()))
        .col_expr(nodes::Column::LastHeartbeat, now())
        .col_expr(nodes::Column::UpdatedAt, now())
        .filter(nodes::Column::Election.eq(&who.election))
        .filter(nodes::Column::Id.eq(&who.node_id))
        .filter(nodes::Column::Incarnation.eq(who.incarnation))
        .filter(nodes::Column::HeartbeatSeq.lte(floor.get()));
    update = match belief {
        Belief::Follower => as_follower(update, NodeStatus::Follower),
        Belief::Candidate => as_follower(update, NodeStatus::Candidate),
        Belief::Leader(term) => {
            let term = term.get();
            let open = Query::select()
                .expr(Expr::cust("1"))
                .from(terms::Entity)
                .and_where(terms::Column::Election.eq(&who.election))
                .and_where(terms::Column::Term.eq(term))
                .and_where(terms::Column::Incarnation.eq(who.incarnation))
                .and_where(terms::Column::EndedAt.is_null())
                .take();
            update
                .filter(nodes::Column::Status.eq(NodeStatus::Leader))
                .filter(nodes::Column::Term.eq(term))
                .filter(Expr::exists(open))
        }
    };
    let rows = update.exec_with_returning(db).await?;
    Ok(Reply::HeartbeatAck { seq: rows.first().map(|row| HeartbeatSeq::new(row.heartbeat_seq)) })
}

fn as_follower(update: UpdateMany<nodes::Entity>, status: NodeStatus) -> UpdateMany<nodes::Entity> {
    update
        .set(nodes::ActiveModel { status: Set(status), ..Default::default() })
        .filter(nodes::Column::Status.ne(NodeStatus::Leader))
}
