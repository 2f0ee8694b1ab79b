//! One node: `cargo run --example quickstart --features sqlite`, in several terminals, each with another `NODE_ID`.
//! `DATABASE_URL` defaults to a SQLite file in the working directory.

use std::env;
use std::time::Duration;

use leader_election::{DatabaseUrl, Elector, ElectorConfig, Error};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let text = env::var("DATABASE_URL").unwrap_or_else(|_| "sqlite:./leader-election.db".to_owned());
    let url = DatabaseUrl::with_libpq_defaults(&text)?;
    // Creates the tables if they are missing. `leader-election migrate up` does the same.
    let database = url.connect().await?;
    migration::migrate(&database).await?;

    let mut config = ElectorConfig::new(env::var("NODE_ID").unwrap_or_else(|_| "node-1".to_owned()));
    config.heartbeat_interval = Duration::from_secs(1);
    config.election_timeout = Duration::from_secs(3);
    config.node_timeout = Duration::from_secs(6);
    let config = config
        .on_become_leader(|change| async move {
            println!("{} leads term {}", change.node_id, change.term);
        })
        .on_become_follower(|change| async move {
            println!("{} lost leadership of term {}", change.node_id, change.term);
        });

    let elector = Elector::new(&database, config)?;
    elector.start()?;
    let mut subscription = elector.subscribe();
    loop {
        tokio::select! {
            _ = tokio::signal::ctrl_c() => break,
            status = subscription.changed() => match status {
                Some(status) => println!("role {}, leader {:?}", status.role, status.leader),
                None => break,
            },
        }
    }
    match elector.stop().await {
        Err(Error::Replaced { .. }) => Err("another process uses this NODE_ID".into()),
        result => Ok(result?),
    }
}
