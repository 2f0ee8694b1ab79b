//! Ending a term of this node's own.

use std::time::Duration;

use entity::node_records as nodes;
use protocol::EndReason;
use protocol::Reply;
use protocol::Term;
use sea_orm::ColumnTrait;
use sea_orm::DatabaseConnection;
use sea_orm::DbErr;

use super::identity::NodeIdentity;
use super::node_row;
use super::node_row::own_row;
use super::term_row;
use super::term_row::open_term;
use super::transaction::begin_locked;
use super::transaction::notify;

/// Ends a term of this incarnation and demotes its row, whichever of the two is still there.
pub(super) async fn end_term(
    db: &DatabaseConnection,
    who: &NodeIdentity,
    term: Term,
    reason: EndReason,
    limit: Duration,
) -> Result<Reply, DbErr> {
    let transaction = begin_locked(db, &who.election, limit).await?;
    term_row::end(&transaction, open_term(who, who.incarnation, term), reason).await?;
    node_row::demote(&transaction, own_row(who).add(nodes::Column::Term.eq(term.get()))).await?;
    notify(&transaction, &who.election).await?;
    transaction.commit().await?;
    Ok(Reply::TermEnded)
}
