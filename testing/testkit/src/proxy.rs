//! A network between client and server that can be disconnected, stalled and delayed.

use std::io;
use std::net::SocketAddr;
use std::sync::mpsc as std_mpsc;
use std::thread;
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::net::TcpStream;
use tokio::net::tcp;
use tokio::sync::mpsc;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::sleep;

use crate::port::unused_port;

/// A TCP proxy on 127.0.0.1 in front of a server on 127.0.0.1. It runs on its own thread: a test that blocks its
/// runtime does not block the network.
///
/// A method returns when its change is in force. Only data that was being written at that moment may still get through.
#[derive(Debug)]
pub struct Proxy {
    address: SocketAddr,
    server: SocketAddr,
    changes: Option<mpsc::UnboundedSender<(Change, std_mpsc::Sender<()>)>>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Clone, Copy, Debug)]
enum Change {
    Mode(Mode),
    Delay(Duration),
    CloseAll,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    Forwarding,
    /// Nothing gets through in either direction.
    Stalled,
    /// Requests arrive, replies do not.
    RepliesStalled,
    /// There are no connections.
    Disconnected,
}

/// What every connection checks before it forwards data.
#[derive(Clone, Copy, Debug)]
struct Conditions {
    mode: Mode,
    delay: Duration,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Direction {
    Request,
    Reply,
}

impl Proxy {
    /// Starts a proxy for the server that listens on `server_port`. The server need not be there yet.
    ///
    /// # Panics
    /// No port is free.
    #[must_use]
    pub fn start(server_port: u16) -> Self {
        let listener = std::net::TcpListener::bind(("127.0.0.1", unused_port()))
            .expect("an unused port can be listened on");
        let address = listener.local_addr().expect("a listener has an address");
        let server = SocketAddr::from(([127, 0, 0, 1], server_port));
        let (changes, requested) = mpsc::unbounded_channel();
        let thread = thread::spawn(move || run(listener, server, requested));
        Self { address, server, changes: Some(changes), thread: Some(thread) }
    }

    /// The port to connect to.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// A URL or keyword string of the server, changed so that it leads through this proxy.
    ///
    /// # Panics
    /// It does not name the server's port.
    #[must_use]
    pub fn through(&self, dsn: &str) -> String {
        let (here, there) = (self.address.port(), self.server.port());
        let before = ["127.0.0.1:", "localhost:", "port="]
            .into_iter()
            .find(|before| dsn.contains(&format!("{before}{there}")))
            .unwrap_or_else(|| panic!("no 127.0.0.1:{there} and no port={there} in the connection string"));
        dsn.replace(&format!("{before}{there}"), &format!("{before}{here}"))
    }

    /// Closes every connection and refuses new ones.
    pub fn disconnect(&self) {
        self.change(Change::Mode(Mode::Disconnected));
    }

    /// Keeps connections open, accepts new ones, and forwards nothing. After [`heal`](Self::heal) the held-back data
    /// arrives. The end of a connection is held back too.
    pub fn stall(&self) {
        self.change(Change::Mode(Mode::Stalled));
    }

    /// Forwards requests and holds back replies, until [`heal`](Self::heal).
    pub fn stall_replies(&self) {
        self.change(Change::Mode(Mode::RepliesStalled));
    }

    /// Undoes `disconnect`, `stall` and `stall_replies`; a delay stays.
    pub fn heal(&self) {
        self.change(Change::Mode(Mode::Forwarding));
    }

    /// Delays all data by this much, each way. Zero ends the delay.
    pub fn delay(&self, delay: Duration) {
        self.change(Change::Delay(delay));
    }

    /// Closes every connection, and accepts new ones.
    pub fn close_all(&self) {
        self.change(Change::CloseAll);
    }

    fn change(&self, change: Change) {
        let (done, in_force) = std_mpsc::channel();
        let changes = self.changes.as_ref().expect("present until the drop");
        changes.send((change, done)).expect("the proxy's thread runs until the drop");
        in_force.recv().expect("the proxy's thread runs until the drop");
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.changes = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

#[tokio::main(flavor = "current_thread")]
async fn run(
    listener: std::net::TcpListener,
    server: SocketAddr,
    mut requested: mpsc::UnboundedReceiver<(Change, std_mpsc::Sender<()>)>,
) {
    let address = listener.local_addr().expect("a listener has an address");
    listener.set_nonblocking(true).expect("a socket can be made non-blocking");
    let mut listener = Some(TcpListener::from_std(listener).expect("the runtime takes a listener"));
    let (publish, conditions) = watch::channel(Conditions { mode: Mode::Forwarding, delay: Duration::ZERO });
    let mut connections = JoinSet::new();

    loop {
        tokio::select! {
            request = requested.recv() => {
                let Some((change, done)) = request else { return };
                match change {
                    Change::Mode(mode) => {
                        publish.send_modify(|conditions| conditions.mode = mode);
                        if mode == Mode::Disconnected {
                            listener = None;
                            connections.shutdown().await;
                        } else if listener.is_none() {
                            listener = Some(TcpListener::bind(address).await.expect("the proxy's port is free again"));
                        }
                    }
                    Change::Delay(delay) => publish.send_modify(|conditions| conditions.delay = delay),
                    Change::CloseAll => connections.shutdown().await,
                }
                // The test may no longer wait.
                let _ = done.send(());
            }
            client = accept(listener.as_ref()) => {
                connections.spawn(connect(client, server, conditions.clone()));
            }
            // Drops the connections that have ended.
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn accept(listener: Option<&TcpListener>) -> TcpStream {
    match listener {
        Some(listener) => loop {
            // The client left before it was accepted: wait for the next one.
            if let Ok((client, _)) = listener.accept().await {
                return client;
            }
        },
        None => std::future::pending().await,
    }
}

/// One connection, until both directions have ended or one of them fails.
async fn connect(client: TcpStream, server: SocketAddr, conditions: watch::Receiver<Conditions>) {
    let Ok(server) = TcpStream::connect(server).await else { return };
    let _ = (client.set_nodelay(true), server.set_nodelay(true));
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    let _ = tokio::try_join!(
        forward(Direction::Request, from_client, to_server, conditions.clone()),
        forward(Direction::Reply, from_server, to_client, conditions),
    );
}

async fn forward(
    direction: Direction,
    mut from: tcp::OwnedReadHalf,
    mut to: tcp::OwnedWriteHalf,
    mut conditions: watch::Receiver<Conditions>,
) -> io::Result<()> {
    let mut buffer = vec![0; 16 * 1024];
    loop {
        let length = from.read(&mut buffer).await?;
        let delay = conditions.borrow().delay;
        if !delay.is_zero() {
            sleep(delay).await;
        }
        // The sender is dropped together with the proxy.
        conditions.wait_for(|now| now.lets_through(direction)).await.map_err(io::Error::other)?;
        if length == 0 {
            return to.shutdown().await;
        }
        to.write_all(&buffer[..length]).await?;
    }
}

impl Conditions {
    fn lets_through(&self, direction: Direction) -> bool {
        match self.mode {
            Mode::Forwarding => true,
            Mode::RepliesStalled => direction == Direction::Request,
            Mode::Stalled | Mode::Disconnected => false,
        }
    }
}
