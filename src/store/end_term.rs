//! Ends a term of this node's own.

use std::time::Duration;

use entity::node_records as nodes;
use protocol::EndReason;
use protocol::Reply;
use protocol::Term;
use sea_orm::ColumnTrait;
use sea_orm::DbErr;

use super::done::Done;
use super::identity::NodeIdentity;
use super::node_row;
use super::node_row::own_row;
use super::session::Session;
use super::term_row;
use super::term_row::open_term;

/// Ends a term of this incarnation and demotes its row; either may be gone already.
pub(super) async fn end_term(
    db: &Session,
    who: &NodeIdentity,
    term: Term,
    reason: EndReason,
    limit: Duration,
) -> Result<Done, DbErr> {
    let transaction = db.begin_locked(&who.election, limit).await?;
    term_row::end(&transaction, open_term(who, who.incarnation, term), reason).await?;
    node_row::demote(&transaction, own_row(who).add(nodes::Column::Term.eq(term.get()))).await?;
    transaction.commit().await?;
    Ok(Done::leadership_changed(Reply::TermEnded))
}
