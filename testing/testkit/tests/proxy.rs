//! The proxy's faults: disconnect, stall, delay, close.

#![allow(clippy::unwrap_used, reason = "a test")]

use std::io::ErrorKind;
use std::time::{Duration, Instant};

use testkit::Proxy;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::time::timeout;

const TIMEOUT: Duration = Duration::from_secs(10);
const A_WHILE: Duration = Duration::from_millis(200);

/// A server that sends everything back, and reports what it received to the test.
async fn echo() -> (u16, mpsc::UnboundedReceiver<u8>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let (report, received) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let report = report.clone();
            tokio::spawn(async move {
                while let Ok(byte) = stream.read_u8().await {
                    let _ = report.send(byte);
                    stream.write_u8(byte).await.unwrap();
                }
            });
        }
    });
    (port, received)
}

async fn connect(proxy: &Proxy) -> TcpStream {
    TcpStream::connect(("127.0.0.1", proxy.port())).await.unwrap()
}

async fn round_trip(stream: &mut TcpStream, byte: u8) -> std::io::Result<u8> {
    stream.write_u8(byte).await?;
    timeout(TIMEOUT, stream.read_u8()).await.unwrap()
}

#[tokio::test]
async fn a_disconnected_network_ends_connections_and_refuses_new_ones_until_it_is_healed() {
    let (port, _) = echo().await;
    let proxy = Proxy::start(port);
    let mut stream = connect(&proxy).await;
    assert_eq!(round_trip(&mut stream, 1).await.unwrap(), 1);

    proxy.disconnect();
    assert!(round_trip(&mut stream, 2).await.is_err());
    let refused = TcpStream::connect(("127.0.0.1", proxy.port())).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::ConnectionRefused);

    proxy.heal();
    assert_eq!(round_trip(&mut connect(&proxy).await, 3).await.unwrap(), 3);
}

#[tokio::test]
async fn a_stalled_network_holds_everything_back_and_delivers_it_when_healed() {
    let (port, mut received) = echo().await;
    let proxy = Proxy::start(port);
    let mut old = connect(&proxy).await;
    assert_eq!(round_trip(&mut old, 1).await.unwrap(), 1);
    assert_eq!(received.recv().await, Some(1));

    proxy.stall();
    let mut new = connect(&proxy).await;
    old.write_u8(2).await.unwrap();
    new.write_u8(2).await.unwrap();
    assert!(timeout(A_WHILE, received.recv()).await.is_err());

    proxy.heal();
    assert_eq!(timeout(TIMEOUT, old.read_u8()).await.unwrap().unwrap(), 2);
    assert_eq!(timeout(TIMEOUT, new.read_u8()).await.unwrap().unwrap(), 2);
}

#[tokio::test]
async fn with_stalled_replies_requests_arrive_and_replies_do_not() {
    let (port, mut received) = echo().await;
    let proxy = Proxy::start(port);
    let mut stream = connect(&proxy).await;
    proxy.stall_replies();
    stream.write_u8(5).await.unwrap();
    assert_eq!(timeout(TIMEOUT, received.recv()).await.unwrap(), Some(5));
    assert!(timeout(A_WHILE, stream.read_u8()).await.is_err());
    proxy.heal();
    assert_eq!(timeout(TIMEOUT, stream.read_u8()).await.unwrap().unwrap(), 5);
}

#[tokio::test]
async fn a_delay_is_added_each_way() {
    let (port, _) = echo().await;
    let proxy = Proxy::start(port);
    let mut stream = connect(&proxy).await;
    proxy.delay(Duration::from_millis(100));
    let start = Instant::now();
    round_trip(&mut stream, 1).await.unwrap();
    assert!(start.elapsed() >= Duration::from_millis(200), "{:?}", start.elapsed());
    proxy.delay(Duration::ZERO);
    let start = Instant::now();
    round_trip(&mut stream, 1).await.unwrap();
    assert!(start.elapsed() < Duration::from_millis(100), "{:?}", start.elapsed());
}

#[tokio::test]
async fn closed_connections_can_be_made_again_at_once() {
    let (port, _) = echo().await;
    let proxy = Proxy::start(port);
    let mut stream = connect(&proxy).await;
    assert_eq!(round_trip(&mut stream, 1).await.unwrap(), 1);
    proxy.close_all();
    assert!(round_trip(&mut stream, 2).await.is_err());
    assert_eq!(round_trip(&mut connect(&proxy).await, 3).await.unwrap(), 3);
}

#[tokio::test]
async fn a_stalled_connection_can_be_closed_and_dropped() {
    let (port, _) = echo().await;
    let proxy = Proxy::start(port);
    let mut stream = connect(&proxy).await;
    proxy.stall();
    stream.write_u8(1).await.unwrap();
    proxy.close_all();
    assert!(timeout(TIMEOUT, stream.read_u8()).await.unwrap().is_err());
    let _also = connect(&proxy).await;
    drop(proxy);
}

#[tokio::test]
async fn it_forwards_while_the_tests_own_thread_is_blocked() {
    let server = testkit::Postgres::shared();
    let proxy = Proxy::start(server.port());
    for dsn in [server.url(), server.keyword_dsn()] {
        // A call that blocks the only thread of this test's runtime.
        let output = std::process::Command::new(server.bin_dir().join("psql"))
            .args(["-At", "-c", "SELECT inet_server_port()", &proxy.through(&dsn)])
            .output()
            .unwrap();
        assert_eq!(String::from_utf8(output.stdout).unwrap().trim(), server.port().to_string());
    }
}
