//! The own row: inserted, or taken over from another process of the same id.

use std::time::Duration;

use entity::sea_orm_active_enums::NodeStatus;
use entity::{election_terms as terms, node_records as nodes};
use sea_orm::sea_query::{Expr, ExprTrait, OnConflict, Query};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, ConnectionTrait, DatabaseConnection, DbErr, EntityTrait, QueryFilter,
    Value,
};
use uuid::Uuid;

use super::dialect::clock;
use super::ending::{demote, end_open_term};
use super::observe::observe;
use super::transaction::{begin_locked, notify};
use super::{Identity, nothing_moved};
use protocol::{EndReason, HeartbeatSeq, Incarnation, Incumbent, Reply, TakeOver};

pub(super) async fn register(
    db: &DatabaseConnection,
    who: &Identity,
    take_over: Option<&TakeOver>,
    limit: Duration,
) -> Result<Reply, DbErr> {
    let seq = match take_over {
        None => insert(db, who).await?.then_some(HeartbeatSeq::ZERO),
        Some(TakeOver::Follower(from)) => take_follower(db, who, from.0).await?,
        Some(TakeOver::Leader { incarnation, incumbent }) => {
            take_leader(db, who, *incarnation, incumbent, limit).await?
        }
    };
    if let Some(seq) = seq {
        return Ok(Reply::Registered { seq });
    }
    if let Some(reply) = present(db, who).await? {
        return Ok(reply);
    }
    // The row that was to be taken over has gone, or the one that was in the way.
    match insert(db, who).await? {
        true => Ok(Reply::Registered { seq: HeartbeatSeq::ZERO }),
        false => present(db, who).await?.ok_or_else(|| {
            DbErr::RecordNotFound("the node's row came and went while it was being registered".to_owned())
        }),
    }
}

/// One statement: a registration that arrives late finds the row that is there by then, and leaves it alone.
async fn insert<C: ConnectionTrait>(db: &C, who: &Identity) -> Result<bool, DbErr> {
    use nodes::Column as C;
    let now = || clock(db.get_database_backend());
    let insert = Query::insert()
        .into_table(nodes::Entity)
        .columns([
            C::Election,
            C::Id,
            C::Incarnation,
            C::Status,
            C::Priority,
            C::Eligible,
            C::Term,
            C::HeartbeatSeq,
            C::LeaseMs,
            C::Address,
            C::LastHeartbeat,
            C::CreatedAt,
            C::UpdatedAt,
        ])
        .values_panic([
            who.election.as_str().into(),
            who.node_id.as_str().into(),
            Value::from(who.incarnation).into(),
            C::Status.save_as(Expr::val(NodeStatus::Follower)),
            who.priority.into(),
            true.into(),
            0_i64.into(),
            0_i64.into(),
            who.lease_ms().into(),
            Value::from(who.address.clone()).into(),
            now(),
            now(),
            now(),
        ])
        .on_conflict(OnConflict::columns([C::Election, C::Id]).do_nothing().to_owned())
        .take();
    Ok(db.execute(&insert).await?.rows_affected() == 1)
}

/// One statement: a compare-and-swap on the incarnation read, unless the row is the leader's by now.
async fn take_follower<C: ConnectionTrait>(
    db: &C,
    who: &Identity,
    from: u128,
) -> Result<Option<HeartbeatSeq>, DbErr> {
    let leads = Query::select()
        .expr(Expr::cust("1"))
        .from(terms::Entity)
        .and_where(terms::Column::Election.eq(&who.election))
        .and_where(terms::Column::Incarnation.eq(Uuid::from_u128(from)))
        .and_where(terms::Column::EndedAt.is_null())
        .take();
    let update = taken(db, who, from).filter(Expr::not_exists(leads));
    Ok(update.exec_with_returning(db).await?.first().map(|row| HeartbeatSeq::new(row.heartbeat_seq)))
}

/// The leader's lease has run out: ends its term and takes its row, in one transaction, in the version that ran out.
async fn take_leader(
    db: &DatabaseConnection,
    who: &Identity,
    from: Incarnation,
    incumbent: &Incumbent,
    limit: Duration,
) -> Result<Option<HeartbeatSeq>, DbErr> {
    let transaction = begin_locked(db, &who.election, limit).await?;
    let view = observe(&transaction, &who.election, &who.node_id, &[]).await?;
    if view.incumbent() != *incumbent {
        nothing_moved(transaction).await?;
        return Ok(None);
    }
    if let Some(leadership) = incumbent.term.filter(|leadership| leadership.incarnation == from)
        && !end_open_term(&transaction, who, leadership, EndReason::Replaced).await?
    {
        nothing_moved(transaction).await?;
        return Ok(None);
    }
    if let Some(row) = incumbent.row.as_ref().filter(|row| row.incarnation == from)
        && !demote(&transaction, who, row).await?
    {
        nothing_moved(transaction).await?;
        return Ok(None);
    }
    let taken = taken(&transaction, who, from.0).exec_with_returning(&transaction).await?;
    let Some(seq) = taken.first().map(|row| HeartbeatSeq::new(row.heartbeat_seq)) else {
        nothing_moved(transaction).await?;
        return Ok(None);
    };
    notify(&transaction, &who.election).await?;
    sea_orm::TransactionSession::commit(transaction).await?;
    Ok(Some(seq))
}

/// The row becomes this incarnation's. Its term stays, so that no term is forgotten; its counter goes on, so that
/// everybody sees it move.
fn taken<C: ConnectionTrait>(db: &C, who: &Identity, from: u128) -> sea_orm::UpdateMany<nodes::Entity> {
    let now = || clock(db.get_database_backend());
    nodes::Entity::update_many()
        .set(nodes::ActiveModel {
            incarnation: Set(who.incarnation),
            status: Set(NodeStatus::Follower),
            priority: Set(who.priority),
            eligible: Set(true),
            lease_ms: Set(who.lease_ms()),
            address: Set(who.address.clone()),
            ..Default::default()
        })
        .col_expr(nodes::Column::HeartbeatSeq, Expr::col(nodes::Column::HeartbeatSeq).add(1))
        .col_expr(nodes::Column::LastHeartbeat, now())
        .col_expr(nodes::Column::UpdatedAt, now())
        .filter(nodes::Column::Election.eq(&who.election))
        .filter(nodes::Column::Id.eq(&who.node_id))
        .filter(nodes::Column::Incarnation.eq(Uuid::from_u128(from)))
        .filter(nodes::Column::Status.ne(NodeStatus::Leader))
}

/// Whose the row is, if there is one.
pub(super) async fn present<C: ConnectionTrait>(db: &C, who: &Identity) -> Result<Option<Reply>, DbErr> {
    let view = observe(db, &who.election, &who.node_id, &[]).await?;
    Ok(view.node(&who.node_id).map(|row| {
        if row.incarnation == who.incarnation() {
            return Reply::Registered { seq: row.heartbeat_seq };
        }
        let leading =
            row.is_leader() || view.open_term().is_some_and(|term| term.incarnation == row.incarnation);
        Reply::IdTaken { incarnation: row.incarnation, leading }
    }))
}
