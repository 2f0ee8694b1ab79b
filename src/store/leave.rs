//! Leaving an election.

use std::time::Duration;

use entity::node_records as nodes;
use entity::sea_orm_active_enums::NodeStatus;
use protocol::EndReason;
use protocol::Reply;
use sea_orm::ColumnTrait;
use sea_orm::DatabaseConnection;
use sea_orm::DbErr;
use sea_orm::EntityTrait;
use sea_orm::PaginatorTrait;
use sea_orm::QueryFilter;

use super::identity::NodeIdentity;
use super::node_row::own_row;
use super::term_row;
use super::term_row::open_term_of;
use super::transaction::begin_locked;
use super::transaction::notify;

/// Deletes this node's row. Where a term of this incarnation may be open it is ended in the same transaction, so that
/// the row of a node that is going is never seen as one that could lead next.
pub(super) async fn leave(
    db: &DatabaseConnection,
    who: &NodeIdentity,
    end: Option<EndReason>,
    limit: Duration,
) -> Result<Reply, DbErr> {
    if end.is_none() && left_as_follower(db, who).await? {
        return Ok(Reply::Left);
    }
    let reason = end.unwrap_or(EndReason::Lapsed);
    let transaction = begin_locked(db, &who.election, limit).await?;
    term_row::end(&transaction, open_term_of(who, who.incarnation), reason).await?;
    nodes::Entity::delete_many().filter(own_row(who)).exec(&transaction).await?;
    notify(&transaction, &who.election).await?;
    transaction.commit().await?;
    Ok(Reply::Left)
}

/// False where the row has the status leader: a claim that the node had given up was carried out after all.
async fn left_as_follower(db: &DatabaseConnection, who: &NodeIdentity) -> Result<bool, DbErr> {
    let follower = nodes::Entity::delete_many()
        .filter(own_row(who))
        .filter(nodes::Column::Status.ne(NodeStatus::Leader));
    if follower.exec(db).await?.rows_affected > 0 {
        return Ok(true);
    }
    Ok(nodes::Entity::find().filter(own_row(who)).count(db).await? == 0)
}
