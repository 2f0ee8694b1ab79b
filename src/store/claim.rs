//! The claim: one transaction that reads everything again, and opens the next term or gives up.

use std::time::Duration;

use entity::election_terms as terms;
use entity::node_records as nodes;
use entity::sea_orm_active_enums::NodeStatus;
use protocol::Claim;
use protocol::ClaimRejected;
use protocol::EndReason;
use protocol::HeartbeatSeq;
use protocol::Reply;
use protocol::Term;
use sea_orm::ActiveValue::Set;
use sea_orm::ColumnTrait;
use sea_orm::ConnectionTrait;
use sea_orm::DbErr;
use sea_orm::EntityTrait;
use sea_orm::QueryFilter;
use sea_orm::Value;
use sea_orm::sea_query::Expr;
use sea_orm::sea_query::ExprTrait;
use sea_orm::sea_query::Query;

use super::done::Done;
use super::error::is_unique_violation;
use super::identity::NodeIdentity;
use super::node_row;
use super::node_row::own_row;
use super::node_row::touched;
use super::node_row::version;
use super::observe::observe;
use super::session::Session;
use super::term_row;

pub(super) async fn claim(
    db: &Session,
    who: &NodeIdentity,
    claim: &Claim,
    limit: Duration,
) -> Result<Done, DbErr> {
    let transaction = db.begin_locked(&who.election, limit).await?;
    match carry_out(&transaction, who, claim).await {
        Ok(Ok(term)) => {
            transaction.commit().await?;
            Ok(Done::leadership_changed(Reply::Claimed { term }))
        }
        Ok(Err(rejected)) => {
            transaction.rollback().await?;
            Ok(Reply::ClaimRejected(rejected).into())
        }
        Err(error) if is_unique_violation(&error) => {
            transaction.rollback().await?;
            Ok(Reply::ClaimRejected(ClaimRejected::Raced).into())
        }
        Err(error) => Err(error),
    }
}

async fn carry_out(
    transaction: &Session,
    who: &NodeIdentity,
    claim: &Claim,
) -> Result<Result<Term, ClaimRejected>, DbErr> {
    let snapshot = observe(transaction, &who.election, &who.node_id, &[]).await?;
    if let Err(rejected) = claim.check(&snapshot) {
        return Ok(Err(rejected));
    }
    if let Some(leadership) = claim.incumbent.term
        && !term_row::end(
            transaction,
            term_row::open_term(who, leadership.incarnation, leadership.term),
            EndReason::Expired,
        )
        .await?
    {
        return Ok(Err(ClaimRejected::IncumbentChanged));
    }
    if let Some(row) = &claim.incumbent.row
        && !node_row::demote(transaction, version(who, row)).await?
    {
        // The leader has renewed since the snapshot was read.
        return Ok(Err(ClaimRejected::IncumbentChanged));
    }
    let known = [claim.min_term, snapshot.highest_term(), highest_node_term(transaction, who).await?];
    let term = known.into_iter().max().unwrap_or_default().next().ok_or_else(|| {
        DbErr::Custom("the highest term is the highest number that the database can store".to_owned())
    })?;
    open_term(transaction, who, term).await?;
    if !promote(transaction, who, term, claim.seq_floor).await? {
        return Ok(Err(ClaimRejected::OwnRowChanged));
    }
    Ok(Ok(term))
}

/// The highest term in any node's row. A snapshot has only some of the rows.
async fn highest_node_term(db: &Session, who: &NodeIdentity) -> Result<Term, DbErr> {
    let highest = Query::select()
        .expr_as(Expr::col(nodes::Column::Term).max(), "term")
        .from(nodes::Entity)
        .and_where(nodes::Column::Election.eq(&who.election))
        .take();
    let row = db.query_one(&highest).await?;
    let number = row.map(|row| row.try_get::<Option<i64>>("", "term")).transpose()?.flatten();
    Ok(number.map(Term::new).unwrap_or_default())
}

async fn open_term(db: &Session, who: &NodeIdentity, term: Term) -> Result<(), DbErr> {
    use terms::Column as C;
    let insert = Query::insert()
        .into_table(terms::Entity)
        .columns([C::Election, C::Term, C::LeaderId, C::Incarnation, C::LeaseMs, C::StartedAt])
        .values_panic([
            who.election.as_str().into(),
            term.get().into(),
            who.node_id.as_str().into(),
            Value::from(who.uuid()).into(),
            who.lease_ms().into(),
            db.dialect().clock(),
        ])
        .take();
    db.execute(&insert).await?;
    Ok(())
}

/// Raises the row's count like a heartbeat, so that the leadership begins in a version of its own.
async fn promote(db: &Session, who: &NodeIdentity, term: Term, floor: HeartbeatSeq) -> Result<bool, DbErr> {
    let promotion = nodes::Entity::update_many()
        .set(nodes::ActiveModel {
            status: Set(NodeStatus::Leader),
            term: Set(term.get()),
            ..Default::default()
        })
        .col_expr(nodes::Column::HeartbeatSeq, Expr::val(floor.next().get()))
        .filter(own_row(who))
        .filter(nodes::Column::Status.ne(NodeStatus::Leader))
        .filter(nodes::Column::HeartbeatSeq.lte(floor.get()));
    let promoted = touched(db, promotion).exec(db).await?;
    Ok(promoted.rows_affected == 1)
}
