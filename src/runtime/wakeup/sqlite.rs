//! A cheap look at `PRAGMA data_version`, which changes when another connection has written to the file.

use sea_orm::{ConnectionTrait, DbBackend, Statement};
use tokio::sync::Notify;
use tokio::time::sleep;

use crate::store::connect::Target;
use crate::store::lane::Lane;
use protocol::Timing;

pub(super) async fn watch(target: Target, timing: Timing, wakeups: &Notify) {
    let mut lane = Lane::new(target);
    let mut seen = None;
    loop {
        let version = lane
            .run(timing.heartbeat_interval(), "watching the file", async |db| {
                let pragma = Statement::from_string(DbBackend::Sqlite, "PRAGMA data_version");
                let row = db.query_one_raw(pragma).await?;
                row.map(|row| row.try_get_by_index::<i64>(0)).transpose()
            })
            .await;
        let version = version.ok().flatten();
        // The number means something on one connection only: after a failure it counts as changed.
        if version != seen {
            wakeups.notify_one();
        }
        seen = version;
        sleep(super::pace(timing)).await;
    }
}
