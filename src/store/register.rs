//! Registers this node: inserts its row, or takes it over from another process of the same id.

use std::time::Duration;

use entity::node_records as nodes;
use entity::sea_orm_active_enums::NodeStatus;
use protocol::EndReason;
use protocol::HeartbeatSeq;
use protocol::Incarnation;
use protocol::Incumbent;
use protocol::Reply;
use protocol::TakeOver;
use sea_orm::ActiveValue::Set;
use sea_orm::ColumnTrait;
use sea_orm::Condition;
use sea_orm::ConnectionTrait;
use sea_orm::DbErr;
use sea_orm::EntityTrait;
use sea_orm::QueryFilter;
use sea_orm::Value;
use sea_orm::sea_query::Expr;
use sea_orm::sea_query::ExprTrait;
use sea_orm::sea_query::OnConflict;
use sea_orm::sea_query::Query;

use super::done::Done;
use super::identity::NodeIdentity;
use super::node_row;
use super::node_row::row_of;
use super::node_row::touched;
use super::node_row::version;
use super::observe::observe;
use super::session::Session;
use super::term_row;
use super::term_row::any_term;
use super::term_row::open_term;
use super::term_row::open_term_of;

pub(super) async fn register(
    db: &Session,
    who: &NodeIdentity,
    take_over: Option<&TakeOver>,
    limit: Duration,
) -> Result<Done, DbErr> {
    let taken_over = match take_over {
        None => None,
        Some(TakeOver::Follower(from)) => {
            let seq = take_over_follower(db, who, *from).await?;
            seq.map(|seq| Reply::Registered { seq }.into())
        }
        Some(TakeOver::Leader { incarnation, incumbent }) => {
            let seq = take_over_expired_leader(db, who, *incarnation, incumbent, limit).await?;
            seq.map(|seq| Done::leadership_changed(Reply::Registered { seq }))
        }
    };
    match taken_over {
        Some(done) => Ok(done),
        None => Ok(insert_or_find(db, who).await?.into()),
    }
}

/// Inserts the row, or returns the process that has it.
async fn insert_or_find(db: &Session, who: &NodeIdentity) -> Result<Reply, DbErr> {
    if insert(db, who).await? {
        return Ok(Reply::Registered { seq: HeartbeatSeq::ZERO });
    }
    if let Some(reply) = occupant(db, who).await? {
        return Ok(reply);
    }
    // The row has been deleted in the meantime.
    match insert(db, who).await? {
        true => Ok(Reply::Registered { seq: HeartbeatSeq::ZERO }),
        false => occupant(db, who).await?.ok_or_else(|| {
            DbErr::RecordNotFound("the node's row was deleted while the node was registering".to_owned())
        }),
    }
}

/// One statement: a registration that arrives late finds the present row and changes nothing.
async fn insert(db: &Session, who: &NodeIdentity) -> Result<bool, DbErr> {
    use nodes::Column as C;
    let now = || db.dialect().clock();
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
            Value::from(who.uuid()).into(),
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

/// One statement: a compare-and-swap on the incarnation read, unless the row has become the leader's.
async fn take_over_follower(
    db: &Session,
    who: &NodeIdentity,
    from: Incarnation,
) -> Result<Option<HeartbeatSeq>, DbErr> {
    let leads = any_term(open_term_of(who, from));
    take_over_row(db, who, from, Condition::all().add(Expr::not_exists(leads))).await
}

/// The leader's lease has run out. Ends its term and takes its row over in one transaction, in the version that ran
/// out. None if the leadership is not in that version any more.
async fn take_over_expired_leader(
    db: &Session,
    who: &NodeIdentity,
    from: Incarnation,
    incumbent: &Incumbent,
    limit: Duration,
) -> Result<Option<HeartbeatSeq>, DbErr> {
    let transaction = db.begin_locked(&who.election, limit).await?;
    let seq = replace_leader(&transaction, who, from, incumbent).await?;
    if seq.is_none() {
        transaction.rollback().await?;
        return Ok(None);
    }
    transaction.commit().await?;
    Ok(seq)
}

async fn replace_leader(
    transaction: &Session,
    who: &NodeIdentity,
    from: Incarnation,
    incumbent: &Incumbent,
) -> Result<Option<HeartbeatSeq>, DbErr> {
    if observe(transaction, &who.election, &who.node_id, &[]).await?.incumbent() != *incumbent {
        return Ok(None);
    }
    if let Some(leadership) = incumbent.term.filter(|leadership| leadership.incarnation == from)
        && !term_row::end(transaction, open_term(who, from, leadership.term), EndReason::Replaced).await?
    {
        return Ok(None);
    }
    if let Some(row) = incumbent.row.as_ref().filter(|row| row.incarnation == from)
        && !node_row::demote(transaction, version(who, row)).await?
    {
        return Ok(None);
    }
    take_over_row(transaction, who, from, Condition::all()).await
}

/// The row becomes this incarnation's, unless it has the status leader. It keeps its term, so that no term is
/// forgotten, and its counter goes on, so that every node sees it move.
async fn take_over_row(
    db: &Session,
    who: &NodeIdentity,
    from: Incarnation,
    condition: Condition,
) -> Result<Option<HeartbeatSeq>, DbErr> {
    let update = nodes::Entity::update_many()
        .set(nodes::ActiveModel {
            incarnation: Set(who.uuid()),
            status: Set(NodeStatus::Follower),
            priority: Set(who.priority),
            eligible: Set(true),
            lease_ms: Set(who.lease_ms()),
            address: Set(who.address.clone()),
            ..Default::default()
        })
        .col_expr(nodes::Column::HeartbeatSeq, Expr::col(nodes::Column::HeartbeatSeq).add(1))
        .filter(row_of(who, &who.node_id, from))
        .filter(nodes::Column::Status.ne(NodeStatus::Leader))
        .filter(condition);
    let taken = touched(db, update).exec_with_returning(db).await?;
    Ok(taken.first().map(|row| HeartbeatSeq::new(row.heartbeat_seq)))
}

/// The process that has the row, if there is one.
async fn occupant(db: &Session, who: &NodeIdentity) -> Result<Option<Reply>, DbErr> {
    let snapshot = observe(db, &who.election, &who.node_id, &[]).await?;
    Ok(snapshot.node(&who.node_id).map(|row| {
        if row.incarnation == who.incarnation {
            return Reply::Registered { seq: row.heartbeat_seq };
        }
        let leading =
            row.is_leader() || snapshot.open_term().is_some_and(|term| term.incarnation == row.incarnation);
        Reply::IdTaken { incarnation: row.incarnation, leading }
    }))
}
