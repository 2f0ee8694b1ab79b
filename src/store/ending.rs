//! Ending a term, and leaving.

use std::time::Duration;

use entity::sea_orm_active_enums::NodeStatus;
use entity::{election_terms as terms, node_records as nodes};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, ConnectionTrait, DatabaseConnection, DbErr, EntityTrait, QueryFilter,
};
use uuid::Uuid;

use super::Identity;
use super::dialect::clock;
use super::end_reason::to_text;
use super::register::present;
use super::transaction::{begin_locked, notify};
use protocol::{EndReason, LeadershipId, Reply, RowVersion, Term};

/// Ends a term of this incarnation and demotes its row, whichever of the two is still there.
pub(super) async fn end_term(
    db: &DatabaseConnection,
    who: &Identity,
    term: Term,
    reason: EndReason,
    limit: Duration,
) -> Result<Reply, DbErr> {
    let transaction = begin_locked(db, &who.election, limit).await?;
    let leadership = LeadershipId { term, incarnation: who.incarnation() };
    end_open_term(&transaction, who, leadership, reason).await?;
    nodes::Entity::update_many()
        .set(nodes::ActiveModel { status: Set(NodeStatus::Follower), ..Default::default() })
        .col_expr(nodes::Column::UpdatedAt, clock(transaction.get_database_backend()))
        .filter(nodes::Column::Election.eq(&who.election))
        .filter(nodes::Column::Id.eq(&who.node_id))
        .filter(nodes::Column::Incarnation.eq(who.incarnation))
        .filter(nodes::Column::Term.eq(term.get()))
        .filter(nodes::Column::Status.eq(NodeStatus::Leader))
        .exec(&transaction)
        .await?;
    notify(&transaction, &who.election).await?;
    transaction.commit().await?;
    Ok(Reply::TermEnded)
}

/// Deletes the own row. Where a term of this incarnation may be open it is ended in the same transaction, so that the
/// row of a node that is going is never seen as one that could lead next.
pub(super) async fn leave(
    db: &DatabaseConnection,
    who: &Identity,
    end: Option<EndReason>,
    limit: Duration,
) -> Result<Reply, DbErr> {
    let own = nodes::Entity::delete_many()
        .filter(nodes::Column::Election.eq(&who.election))
        .filter(nodes::Column::Id.eq(&who.node_id))
        .filter(nodes::Column::Incarnation.eq(who.incarnation));
    if end.is_none() {
        let follower = own.clone().filter(nodes::Column::Status.ne(NodeStatus::Leader));
        let deleted = follower.exec(db).await?.rows_affected > 0;
        if deleted || !matches!(present(db, who).await?, Some(Reply::Registered { .. })) {
            return Ok(Reply::Left);
        }
        // It says leader: a claim that was given up was carried out after all.
    }
    let reason = end.unwrap_or(EndReason::Lapsed);
    let transaction = begin_locked(db, &who.election, limit).await?;
    ended(&transaction, who, who.incarnation, reason).exec(&transaction).await?;
    own.exec(&transaction).await?;
    notify(&transaction, &who.election).await?;
    transaction.commit().await?;
    Ok(Reply::Left)
}

/// Ends one open term. False where it is not open any more.
pub(super) async fn end_open_term<C: ConnectionTrait>(
    db: &C,
    who: &Identity,
    leadership: LeadershipId,
    reason: EndReason,
) -> Result<bool, DbErr> {
    let ended = ended(db, who, Uuid::from_u128(leadership.incarnation.0), reason)
        .filter(terms::Column::Term.eq(leadership.term.get()));
    Ok(ended.exec(db).await?.rows_affected == 1)
}

fn ended<C: ConnectionTrait>(
    db: &C,
    who: &Identity,
    incarnation: Uuid,
    reason: EndReason,
) -> sea_orm::UpdateMany<terms::Entity> {
    terms::Entity::update_many()
        .set(terms::ActiveModel { end_reason: Set(Some(to_text(reason).to_owned())), ..Default::default() })
        .col_expr(terms::Column::EndedAt, clock(db.get_database_backend()))
        .filter(terms::Column::Election.eq(&who.election))
        .filter(terms::Column::Incarnation.eq(incarnation))
        .filter(terms::Column::EndedAt.is_null())
}

/// Demotes a row that says leader, in that very version. False where it has moved on.
pub(super) async fn demote<C: ConnectionTrait>(
    db: &C,
    who: &Identity,
    row: &RowVersion,
) -> Result<bool, DbErr> {
    let demoted = nodes::Entity::update_many()
        .set(nodes::ActiveModel { status: Set(NodeStatus::Follower), ..Default::default() })
        .col_expr(nodes::Column::UpdatedAt, clock(db.get_database_backend()))
        .filter(nodes::Column::Election.eq(&who.election))
        .filter(nodes::Column::Id.eq(&row.id))
        .filter(nodes::Column::Incarnation.eq(Uuid::from_u128(row.incarnation.0)))
        .filter(nodes::Column::Term.eq(row.term.get()))
        .filter(nodes::Column::HeartbeatSeq.eq(row.heartbeat_seq.get()))
        .filter(nodes::Column::Status.eq(NodeStatus::Leader))
        .exec(db)
        .await?;
    Ok(demoted.rows_affected == 1)
}
