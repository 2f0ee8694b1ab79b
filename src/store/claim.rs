//! The claim: one transaction that reads everything again and opens the next term, or gives up.

use std::time::Duration;

use entity::sea_orm_active_enums::NodeStatus;
use entity::{election_terms as terms, node_records as nodes};
use sea_orm::sea_query::{Expr, ExprTrait, Query};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, ConnectionTrait, DatabaseConnection, DbErr, EntityTrait, QueryFilter,
    Value,
};

use super::dialect::clock;
use super::ending::{demote, end_open_term};
use super::failure::is_unique_violation;
use super::observe::observe;
use super::transaction::{begin_locked, notify};
use super::{Identity, nothing_moved};
use protocol::{Claim, ClaimRejected, EndReason, HeartbeatSeq, Reply, Term};

pub(super) async fn claim(
    db: &DatabaseConnection,
    who: &Identity,
    claim: &Claim,
    limit: Duration,
) -> Result<Reply, DbErr> {
    let transaction = begin_locked(db, &who.election, limit).await?;
    match carry_out(&transaction, who, claim).await {
        Ok(Ok(term)) => {
            notify(&transaction, &who.election).await?;
            transaction.commit().await?;
            Ok(Reply::Claimed { term })
        }
        Ok(Err(lost)) => {
            nothing_moved(transaction).await?;
            Ok(Reply::ClaimRejected(lost))
        }
        Err(error) if is_unique_violation(&error) => {
            nothing_moved(transaction).await?;
            Ok(Reply::ClaimRejected(ClaimRejected::Raced))
        }
        Err(error) => Err(error),
    }
}

async fn carry_out<C: ConnectionTrait>(
    transaction: &C,
    who: &Identity,
    claim: &Claim,
) -> Result<Result<Term, ClaimRejected>, DbErr> {
    let view = observe(transaction, &who.election, &who.node_id, &[]).await?;
    if let Err(lost) = claim.check(&view) {
        return Ok(Err(lost));
    }
    if let Some(leadership) = claim.incumbent.term
        && !end_open_term(transaction, who, leadership, EndReason::Expired).await?
    {
        return Ok(Err(ClaimRejected::IncumbentChanged));
    }
    if let Some(row) = &claim.incumbent.row
        && !demote(transaction, who, row).await?
    {
        // A renewal slipped in between the look and here.
        return Ok(Err(ClaimRejected::IncumbentChanged));
    }
    let known = [claim.min_term, view.highest_term(), highest_node_term(transaction, who).await?];
    let term = known.into_iter().max().unwrap_or_default().next().ok_or_else(|| {
        DbErr::Custom("the highest term is the highest number that the database can store".to_owned())
    })?;
    open_term(transaction, who, term).await?;
    if !promote(transaction, who, term, claim.seq_floor).await? {
        return Ok(Err(ClaimRejected::OwnRowChanged));
    }
    Ok(Ok(term))
}

/// The highest term any node's row names: the view has only some of the rows.
async fn highest_node_term<C: ConnectionTrait>(db: &C, who: &Identity) -> Result<Term, DbErr> {
    let highest = Query::select()
        .expr_as(Expr::col(nodes::Column::Term).max(), "term")
        .from(nodes::Entity)
        .and_where(nodes::Column::Election.eq(&who.election))
        .take();
    let row = db.query_one(&highest).await?;
    let number = row.map(|row| row.try_get::<Option<i64>>("", "term")).transpose()?.flatten();
    Ok(number.map(Term::new).unwrap_or_default())
}

async fn open_term<C: ConnectionTrait>(db: &C, who: &Identity, term: Term) -> Result<(), DbErr> {
    use terms::Column as C;
    let insert = Query::insert()
        .into_table(terms::Entity)
        .columns([C::Election, C::Term, C::LeaderId, C::Incarnation, C::LeaseMs, C::StartedAt])
        .values_panic([
            who.election.as_str().into(),
            term.get().into(),
            who.node_id.as_str().into(),
            Value::from(who.incarnation).into(),
            who.lease_ms().into(),
            clock(db.get_database_backend()),
        ])
        .take();
    db.execute(&insert).await?;
    Ok(())
}

/// Counts the row up as a heartbeat does, so that the leadership begins in a version no other had.
async fn promote<C: ConnectionTrait>(
    db: &C,
    who: &Identity,
    term: Term,
    floor: HeartbeatSeq,
) -> Result<bool, DbErr> {
    let now = || clock(db.get_database_backend());
    let promoted = nodes::Entity::update_many()
        .set(nodes::ActiveModel {
            status: Set(NodeStatus::Leader),
            term: Set(term.get()),
            ..Default::default()
        })
        .col_expr(nodes::Column::HeartbeatSeq, Expr::val(floor.next().get()))
        .col_expr(nodes::Column::LastHeartbeat, now())
        .col_expr(nodes::Column::UpdatedAt, now())
        .filter(nodes::Column::Election.eq(&who.election))
        .filter(nodes::Column::Id.eq(&who.node_id))
        .filter(nodes::Column::Incarnation.eq(who.incarnation))
        .filter(nodes::Column::Status.ne(NodeStatus::Leader))
        .filter(nodes::Column::HeartbeatSeq.lte(floor.get()))
        .exec(db)
        .await?;
    Ok(promoted.rows_affected == 1)
}
