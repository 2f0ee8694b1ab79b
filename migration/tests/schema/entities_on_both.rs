use chrono::{TimeZone, Utc};
use entity::election_terms;
use entity::node_records;
use entity::prelude::{ElectionTerms, NodeRecords};
use entity::sea_orm_active_enums::NodeStatus;
use leader_election_migration::migrate;
use sea_orm_migration::sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter,
};
use uuid::Uuid;

use crate::test_database::TestDatabase;

#[tokio::test]
async fn a_node_record_is_read_as_it_was_written() {
    for database in TestDatabase::both().await {
        migrate(&database.db).await.unwrap();
        let at = Utc.with_ymd_and_hms(2026, 1, 2, 3, 4, 5).unwrap().fixed_offset();
        let incarnation = Uuid::new_v4();
        let row = node_records::Model {
            election: "default".to_owned(),
            id: "node-1".to_owned(),
            incarnation,
            status: NodeStatus::Candidate,
            priority: -5,
            eligible: false,
            term: i64::MAX,
            heartbeat_seq: 1,
            last_heartbeat: at,
            lease_ms: 10_000,
            address: None,
            created_at: at,
            updated_at: at,
        };
        NodeRecords::insert(row.clone().into_active_model()).exec(&database.db).await.unwrap();
        let mut changed = row.clone().into_active_model();
        changed.status = Set(NodeStatus::Leader);
        changed.address = Set(Some("here:1".to_owned()));
        changed.update(&database.db).await.unwrap();

        let found = NodeRecords::find()
            .filter(node_records::Column::Incarnation.eq(incarnation))
            .filter(node_records::Column::Status.eq(NodeStatus::Leader))
            .filter(node_records::Column::LastHeartbeat.eq(at))
            .one(&database.db)
            .await
            .unwrap();
        let expected =
            node_records::Model { status: NodeStatus::Leader, address: Some("here:1".to_owned()), ..row };
        assert_eq!(found, Some(expected));
    }
}

#[tokio::test]
async fn an_election_term_is_read_as_it_was_written() {
    for database in TestDatabase::both().await {
        migrate(&database.db).await.unwrap();
        let at = Utc.with_ymd_and_hms(2026, 1, 2, 3, 4, 5).unwrap().fixed_offset();
        let row = election_terms::Model {
            election: "default".to_owned(),
            term: 1,
            leader_id: "node-1".to_owned(),
            incarnation: Uuid::new_v4(),
            lease_ms: 10_000,
            started_at: at,
            ended_at: None,
            end_reason: None,
            successor: None,
            resign_requested_at: None,
            requested_by: None,
        };
        ElectionTerms::insert(row.clone().into_active_model()).exec(&database.db).await.unwrap();
        assert_eq!(ElectionTerms::find().one(&database.db).await.unwrap().as_ref(), Some(&row));

        let reasons = [
            "resigned",
            "transferred",
            "preempted",
            "lapsed",
            "expired",
            "replaced",
            "died",
            "ended_by_operator",
        ];
        for reason in reasons {
            let mut ended = row.clone().into_active_model();
            ended.ended_at = Set(Some(at));
            ended.end_reason = Set(Some(reason.to_owned()));
            ended.successor = Set(Some("node-2".to_owned()));
            ended.update(&database.db).await.unwrap();
            let found = ElectionTerms::find_by_id(("default".to_owned(), 1))
                .one(&database.db)
                .await
                .unwrap()
                .unwrap();
            assert_eq!((found.ended_at, found.end_reason.as_deref()), (Some(at), Some(reason)));
        }
        let mut ended = row.clone().into_active_model();
        ended.end_reason = Set(Some("on_a_whim".to_owned()));
        let refused = ended.update(&database.db).await.unwrap_err().to_string();
        assert!(refused.contains("election_terms_end_reason"), "{refused}");
    }
}
