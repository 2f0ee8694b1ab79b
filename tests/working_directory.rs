//! A relative SQLite path, and a process that changes its directory.
//!
//! A test program of its own, because the working directory belongs to the whole process.

#![cfg(feature = "sqlite")]
#![allow(clippy::unwrap_used, missing_docs, reason = "tests")]

use leader_election::DatabaseUrl;
use leader_election::Elector;
use leader_election::ElectorConfig;

#[tokio::test]
async fn a_relative_path_names_the_same_file_after_the_process_has_changed_its_directory() {
    let (first, second) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    std::env::set_current_dir(first.path()).unwrap();
    let url: DatabaseUrl = "sqlite:./e.db".parse().unwrap();
    migration::migrate(&url.connect().await.unwrap()).await.unwrap();

    std::env::set_current_dir(second.path()).unwrap();
    assert!(migration::is_current(&url.connect().await.unwrap()).await.unwrap());
    let elector = Elector::connect_lazy(&url, ElectorConfig::new("node-1")).unwrap();
    elector.start().unwrap();
    let mut status = elector.subscribe();
    while !elector.is_leader() {
        status.changed().await.unwrap();
    }
    elector.stop().await.unwrap();
    assert!(first.path().join("e.db").exists());
    assert_eq!(std::fs::read_dir(second.path()).unwrap().count(), 0);
}
