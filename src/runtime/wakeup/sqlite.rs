//! A cheap read of `PRAGMA data_version`, which changes when another connection has written to the file.

use std::time::Duration;

use sea_orm::ConnectionTrait;
use sea_orm::DbBackend;
use sea_orm::Statement;
use tokio::sync::Notify;
use tokio::time::sleep;

use crate::store::backend::ConnectSpec;
use crate::store::connection::Connection;

/// Reads every `pace`, each time within `limit`, and notifies `wakeups` of a change.
pub(super) async fn watch(spec: ConnectSpec, pace: Duration, limit: Duration, wakeups: &Notify) {
    let mut connection = Connection::new(spec);
    let mut seen = None;
    loop {
        let version = connection
            .run(limit, "watching the file", async |db| {
                let pragma = Statement::from_string(DbBackend::Sqlite, "PRAGMA data_version");
                let row = db.query_one_raw(pragma).await?;
                row.map(|row| row.try_get_by_index::<i64>(0)).transpose()
            })
            .await;
        let version = version.ok().flatten();
        // The number is only valid on one connection, so after a failure it counts as changed.
        if version != seen {
            wakeups.notify_one();
        }
        seen = version;
        sleep(pace).await;
    }
}
