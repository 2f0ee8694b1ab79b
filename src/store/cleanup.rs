//! Rows of nodes long gone, and old terms.

use std::time::Duration;

use entity::{election_terms as terms, node_records as nodes};
use sea_orm::sea_query::{Alias, Expr, ExprTrait, LockBehavior, LockType, Order, Query};
use sea_orm::{ColumnTrait, ConnectionTrait, DbBackend, DbErr};

use super::Identity;
use super::dialect::{clock_before, leader_literal};
use protocol::Reply;

/// How many rows one cleanup deletes at most: it must not hold the database up. The next one goes on.
const BATCH: u64 = 500;

/// Never deletes a leader's row, by its status or by the open term, nor the newest terms; skips rows somebody has
/// locked.
pub(super) async fn cleanup<C: ConnectionTrait>(
    db: &C,
    who: &Identity,
    older_than: Duration,
) -> Result<Reply, DbErr> {
    let nodes = db.execute(&stale_nodes(db.get_database_backend(), who, older_than)).await?.rows_affected();
    let terms = db.execute(&old_terms(who)).await?.rows_affected();
    Ok(Reply::Cleaned { nodes, terms })
}

fn stale_nodes(
    backend: DbBackend,
    who: &Identity,
    older_than: Duration,
) -> sea_orm::sea_query::DeleteStatement {
    let leaders = Query::select()
        .column(terms::Column::LeaderId)
        .from(terms::Entity)
        .and_where(terms::Column::Election.eq(&who.election))
        .and_where(terms::Column::EndedAt.is_null())
        .take();
    let mut stale = Query::select()
        .column(nodes::Column::Id)
        .from(nodes::Entity)
        .and_where(nodes::Column::Election.eq(&who.election))
        .and_where(Expr::col(nodes::Column::Status).ne(leader_literal()))
        .and_where(nodes::Column::Id.ne(&who.node_id))
        .and_where(Expr::col(nodes::Column::LastHeartbeat).lt(clock_before(backend, older_than)))
        .and_where(nodes::Column::Id.not_in_subquery(leaders))
        .order_by(nodes::Column::Id, Order::Asc)
        .limit(BATCH)
        .take();
    if backend == DbBackend::Postgres {
        stale.lock_with_behavior(LockType::Update, LockBehavior::SkipLocked);
    }
    Query::delete()
        .from_table(nodes::Entity)
        .and_where(nodes::Column::Election.eq(&who.election))
        .and_where(nodes::Column::Id.in_subquery(stale))
        .take()
}

fn old_terms(who: &Identity) -> sea_orm::sea_query::DeleteStatement {
    let kept = Query::select()
        .column(terms::Column::Term)
        .from(terms::Entity)
        .and_where(terms::Column::Election.eq(&who.election))
        .order_by(terms::Column::Term, Order::Desc)
        .limit(who.keep_terms.into())
        .take();
    let oldest_kept = Query::select()
        .expr(Expr::col(terms::Column::Term).min())
        .from_subquery(kept, Alias::new("kept"))
        .take();
    let old = Query::select()
        .column(terms::Column::Term)
        .from(terms::Entity)
        .and_where(terms::Column::Election.eq(&who.election))
        .and_where(terms::Column::EndedAt.is_not_null())
        .and_where(Expr::col(terms::Column::Term).lt(Expr::SubQuery(None, Box::new(oldest_kept.into()))))
        .order_by(terms::Column::Term, Order::Asc)
        .limit(BATCH)
        .take();
    Query::delete()
        .from_table(terms::Entity)
        .and_where(terms::Column::Election.eq(&who.election))
        .and_where(terms::Column::Term.in_subquery(old))
        .take()
}
