//! Term rows: the conditions and changes that several requests share.

use entity::election_terms as terms;
use protocol::EndReason;
use protocol::Incarnation;
use protocol::Term;
use sea_orm::ActiveValue::Set;
use sea_orm::ColumnTrait;
use sea_orm::Condition;
use sea_orm::DbErr;
use sea_orm::EntityTrait;
use sea_orm::QueryFilter;
use sea_orm::sea_query::Expr;
use sea_orm::sea_query::Query;
use sea_orm::sea_query::SelectStatement;

use super::end_reason;
use super::identity::NodeIdentity;
use super::session::Session;
use super::values::uuid;

/// The open term of an incarnation, whatever its number.
pub(super) fn open_term_of(who: &NodeIdentity, incarnation: Incarnation) -> Condition {
    Condition::all()
        .add(terms::Column::Election.eq(&who.election))
        .add(terms::Column::Incarnation.eq(uuid(incarnation)))
        .add(terms::Column::EndedAt.is_null())
}

/// A leadership's term, if it is open.
pub(super) fn open_term(who: &NodeIdentity, incarnation: Incarnation, term: Term) -> Condition {
    open_term_of(who, incarnation).add(terms::Column::Term.eq(term.get()))
}

/// A query for `EXISTS`: whether there is such a term.
pub(super) fn any_term(which: Condition) -> SelectStatement {
    Query::select().expr(Expr::cust("1")).from(terms::Entity).cond_where(which).take()
}

/// Ends an open term. False if there is none.
pub(super) async fn end(db: &Session, which: Condition, reason: EndReason) -> Result<bool, DbErr> {
    let reason = Set(Some(end_reason::to_text(reason).to_owned()));
    let ended = terms::Entity::update_many()
        .set(terms::ActiveModel { end_reason: reason, ..Default::default() })
        .col_expr(terms::Column::EndedAt, db.dialect().clock())
        .filter(which)
        .exec(db)
        .await?;
    Ok(ended.rows_affected > 0)
}
