//! Leaves an election.

use std::time::Duration;

use entity::node_records as nodes;
use entity::sea_orm_active_enums::NodeStatus;
use protocol::EndReason;
use protocol::Reply;
use sea_orm::ColumnTrait;
use sea_orm::DbErr;
use sea_orm::EntityTrait;
use sea_orm::PaginatorTrait;
use sea_orm::QueryFilter;

use super::done::Done;
use super::identity::NodeIdentity;
use super::node_row::own_row;
use super::session::Session;
use super::term_row;
use super::term_row::open_term_of;

/// Deletes this node's row. If a term of this incarnation may be open, it ends in the same transaction. Then no
/// snapshot shows the row of the leaving node as a follower that could lead next.
pub(super) async fn leave(
    db: &Session,
    who: &NodeIdentity,
    end: Option<EndReason>,
    limit: Duration,
) -> Result<Done, DbErr> {
    if end.is_none() && left_as_follower(db, who).await? {
        return Ok(Reply::Left.into());
    }
    let reason = end.unwrap_or(EndReason::Lapsed);
    let transaction = db.begin_locked(&who.election, limit).await?;
    term_row::end(&transaction, open_term_of(who, who.incarnation), reason).await?;
    nodes::Entity::delete_many().filter(own_row(who)).exec(&*transaction).await?;
    transaction.commit().await?;
    Ok(Done::leadership_changed(Reply::Left))
}

/// False if the row has the status leader: a claim that the node had given up succeeded after all.
async fn left_as_follower(db: &Session, who: &NodeIdentity) -> Result<bool, DbErr> {
    let follower = nodes::Entity::delete_many()
        .filter(own_row(who))
        .filter(nodes::Column::Status.ne(NodeStatus::Leader));
    if follower.exec(db).await?.rows_affected > 0 {
        return Ok(true);
    }
    Ok(nodes::Entity::find().filter(own_row(who)).count(db).await? == 0)
}
