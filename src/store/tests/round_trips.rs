//! How many round trips a request takes. Each is time in which a lease runs.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::SeqCst;

use testkit::Postgres;
use tokio::io::AsyncReadExt;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;
use tokio::net::TcpStream;
use tokio::net::tcp::OwnedReadHalf;
use tokio::net::tcp::OwnedWriteHalf;

use super::fixture::Fixture;
use protocol::Claim;
use protocol::EndReason;
use protocol::Reply;
use protocol::Request;

/// Counts how often its clients send after the server has.
#[derive(Clone, Default)]
struct Counter {
    round_trips: Arc<AtomicU64>,
    server_spoke: Arc<AtomicBool>,
}

impl Counter {
    /// Forwards connections to the server; returns the port to connect to.
    async fn listen(&self) -> u16 {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let counter = self.clone();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let server = TcpStream::connect(("127.0.0.1", Postgres::shared().port())).await.unwrap();
                let ((from_client, to_client), (from_server, to_server)) =
                    (client.into_split(), server.into_split());
                tokio::spawn(counter.clone().pass(from_client, to_server, false));
                tokio::spawn(counter.clone().pass(from_server, to_client, true));
            }
        });
        port
    }

    async fn pass(self, mut from: OwnedReadHalf, mut to: OwnedWriteHalf, by_server: bool) {
        let mut buffer = [0; 8192];
        while let Ok(read @ 1..) = from.read(&mut buffer).await {
            if self.server_spoke.swap(by_server, SeqCst) && !by_server {
                self.round_trips.fetch_add(1, SeqCst);
            }
            if to.write_all(&buffer[..read]).await.is_err() {
                break;
            }
        }
    }

    /// The round trips since the last call.
    fn take(&self) -> u64 {
        self.round_trips.swap(0, SeqCst)
    }
}

#[tokio::test]
async fn a_heartbeat_is_one_round_trip_and_a_claim_one_per_statement() {
    let fixture = Fixture::postgres().await;
    let counter = Counter::default();
    let port = counter.listen().await;
    let dsn = fixture.dsn.replace(&format!(":{}/", Postgres::shared().port()), &format!(":{port}/"));
    let mut node = fixture.process_through(&dsn, &fixture.election, "a", 0);
    node.join().await;
    // Every statement is prepared by now.
    for _ in 0..2 {
        let term = node.lead().await;
        node.renew(term).await.unwrap();
        node.ask(Request::EndTerm { term, reason: EndReason::Resigned }).await;
        node.follower_heartbeat().await.unwrap();
    }
    let view = node.view(&[]).await;
    let claim = node.claim_on(&view);
    counter.take();
    node.view(&[]).await;
    assert_eq!(counter.take(), 1, "a snapshot");
    node.follower_heartbeat().await.unwrap();
    assert_eq!(counter.take(), 1, "a heartbeat");
    let claimed = node.ask(Request::Claim(Claim { seq_floor: node.written, ..claim })).await;
    // Beginning, under the lock; the snapshot, the highest term, the new one, the promotion; the commit, the notification.
    assert_eq!(counter.take(), 7, "a claim");
    let Reply::Claimed { term } = claimed else { panic!("{claimed:?}") };
    node.renew(term).await.unwrap();
    assert_eq!(counter.take(), 1, "a renewal");
    node.ask(Request::EndTerm { term, reason: EndReason::Resigned }).await;
    // Beginning, under the lock; the term's row, the node's; the commit, the notification.
    assert_eq!(counter.take(), 5, "the end of a term");
}
