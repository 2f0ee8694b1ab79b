//! Deletes the rows of dead nodes, and old terms.

use std::time::Duration;

use entity::election_terms as terms;
use entity::node_records as nodes;
use protocol::Reply;
use sea_orm::ColumnTrait;
use sea_orm::ConnectionTrait;
use sea_orm::DbErr;
use sea_orm::sea_query::Alias;
use sea_orm::sea_query::DeleteStatement;
use sea_orm::sea_query::Expr;
use sea_orm::sea_query::ExprTrait;
use sea_orm::sea_query::Order;
use sea_orm::sea_query::Query;

use super::dialect::Dialect;
use super::dialect::leader_literal;
use super::identity::NodeIdentity;
use super::session::Session;

/// How many rows of each kind one cleanup deletes at most, so that it does not block the database. The next cleanup
/// continues.
const BATCH: u64 = 500;

/// Never deletes a leader's row, by its status or by the open term, nor the newest terms. Skips locked rows.
pub(super) async fn cleanup(db: &Session, who: &NodeIdentity, older_than: Duration) -> Result<Reply, DbErr> {
    let nodes = db.execute(&stale_nodes(db.dialect(), who, older_than)).await?.rows_affected();
    let terms = db.execute(&old_terms(who)).await?.rows_affected();
    Ok(Reply::Cleaned { nodes, terms })
}

fn stale_nodes(dialect: &dyn Dialect, who: &NodeIdentity, older_than: Duration) -> DeleteStatement {
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
        .and_where(Expr::col(nodes::Column::LastHeartbeat).lt(dialect.clock_before(older_than)))
        .and_where(nodes::Column::Id.not_in_subquery(leaders))
        .order_by(nodes::Column::Id, Order::Asc)
        .limit(BATCH)
        .take();
    dialect.skip_locked(&mut stale);
    Query::delete()
        .from_table(nodes::Entity)
        .and_where(nodes::Column::Election.eq(&who.election))
        .and_where(nodes::Column::Id.in_subquery(stale))
        .take()
}

fn old_terms(who: &NodeIdentity) -> DeleteStatement {
    let kept = Query::select()
        .column(terms::Column::Term)
        .from(terms::Entity)
        .and_where(terms::Column::Election.eq(&who.election))
        .order_by(terms::Column::Term, Order::Desc)
        .limit(who.term_history.into())
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
