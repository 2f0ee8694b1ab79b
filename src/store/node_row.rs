//! Node rows: the conditions and changes that several requests share.

use entity::node_records as nodes;
use entity::sea_orm_active_enums::NodeStatus;
use protocol::Incarnation;
use protocol::RowVersion;
use sea_orm::ActiveValue::Set;
use sea_orm::ColumnTrait;
use sea_orm::Condition;
use sea_orm::DbErr;
use sea_orm::EntityTrait;
use sea_orm::QueryFilter;
use sea_orm::UpdateMany;

use super::identity::NodeIdentity;
use super::session::Session;
use super::values::uuid;

/// The node's row, if it belongs to this incarnation.
pub(super) fn own_row(who: &NodeIdentity) -> Condition {
    row_of(who, &who.node_id, who.incarnation)
}

/// The row of that node id in the same election, if it belongs to that incarnation.
pub(super) fn row_of(who: &NodeIdentity, id: &str, incarnation: Incarnation) -> Condition {
    Condition::all()
        .add(nodes::Column::Election.eq(&who.election))
        .add(nodes::Column::Id.eq(id))
        .add(nodes::Column::Incarnation.eq(uuid(incarnation)))
}

/// A row in one exact version: no renewal has changed it since it was read.
pub(super) fn version(who: &NodeIdentity, row: &RowVersion) -> Condition {
    row_of(who, &row.id, row.incarnation)
        .add(nodes::Column::Term.eq(row.term.get()))
        .add(nodes::Column::HeartbeatSeq.eq(row.heartbeat_seq.get()))
}

/// Marks an update as a heartbeat: it also sets the row's time stamp by the database's clock.
pub(super) fn touched(db: &Session, update: UpdateMany<nodes::Entity>) -> UpdateMany<nodes::Entity> {
    update
        .col_expr(nodes::Column::LastHeartbeat, db.dialect().clock())
        .col_expr(nodes::Column::UpdatedAt, db.dialect().clock())
}

/// Turns a leader's row into a follower's. False if no such row has the status leader.
pub(super) async fn demote(db: &Session, which: Condition) -> Result<bool, DbErr> {
    let demoted = nodes::Entity::update_many()
        .set(nodes::ActiveModel { status: Set(NodeStatus::Follower), ..Default::default() })
        .col_expr(nodes::Column::UpdatedAt, db.dialect().clock())
        .filter(which)
        .filter(nodes::Column::Status.eq(NodeStatus::Leader))
        .exec(db)
        .await?;
    Ok(demoted.rows_affected == 1)
}
