//! An elector that is created and started before the application sets up its log. This file has one test only,
//! because it sets the subscriber of the whole process.

#![allow(clippy::unwrap_used, missing_docs, reason = "tests")]
#![cfg(feature = "postgres")]

use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use leader_election::{Elector, ElectorConfig};
use testkit::eventually;

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// No server listens on this port, so each start logs a line.
fn start(id: &str) -> Elector {
    let mut config = ElectorConfig::new(id);
    config.heartbeat_interval = Duration::from_millis(200);
    config.election_timeout = Duration::from_millis(600);
    config.node_timeout = Duration::from_millis(1200);
    let elector = Elector::connect_lazy("host=127.0.0.1 port=1 user=u dbname=d", config).unwrap();
    elector.start().unwrap();
    elector
}

#[tokio::test]
async fn an_elector_started_before_the_log_is_set_up_still_logs_and_so_do_later_ones() {
    let early = start("early");
    eventually("the early one has logged a line", Duration::from_secs(20), async || {
        early.subscribe().next_event().await.is_some()
    })
    .await;
    let log = Log::default();
    let writer = log.clone();
    tracing_subscriber::fmt().with_writer(move || writer.clone()).with_ansi(false).init();
    let late = start("late");
    let said = |words: &str| String::from_utf8_lossy(&log.0.lock().unwrap()).contains(words);
    eventually("the late one logs", Duration::from_secs(20), async || said("node_id=late")).await;
    drop(early.stop().await);
    drop(late.stop().await);
    assert!(said("early stopped, but could not deregister in time"), "the early one is silent");
    assert!(said("late stopped, but could not deregister in time"), "the late one is silent");
}
