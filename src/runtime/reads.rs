//! The application's reads, on a connection of their own.
//!
//! Reads of one kind that wait together are carried out once. A read whose caller has gone is not carried out. Every
//! read is answered within [`READ_LIMIT`] of its request, however many there are.

use std::convert::Infallible;
use std::future::Future;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;

use crate::store::error::StoreError;
use crate::store::{LiveNode, READ_LIMIT, Reader};

/// A read, and where its result is sent.
#[derive(Debug)]
pub(crate) enum Query {
    Nodes(Waiter<Vec<LiveNode>>),
    Leader(Waiter<Option<LiveNode>>),
}

/// A caller that waits for the result of a read.
#[derive(Debug)]
pub(crate) struct Waiter<T> {
    asked: Instant,
    result: oneshot::Sender<Result<T, StoreError>>,
}

impl<T> Waiter<T> {
    pub fn new() -> (Self, oneshot::Receiver<Result<T, StoreError>>) {
        let (result, answer) = oneshot::channel();
        (Self { asked: Instant::now(), result }, answer)
    }
}

/// Carries a read out.
pub(super) trait Source {
    fn nodes(&mut self, limit: Duration) -> impl Future<Output = Result<Vec<LiveNode>, StoreError>>;
    fn leader(&mut self, limit: Duration) -> impl Future<Output = Result<Option<LiveNode>, StoreError>>;
}

impl Source for Reader {
    async fn nodes(&mut self, limit: Duration) -> Result<Vec<LiveNode>, StoreError> {
        Reader::nodes(self, limit).await
    }

    async fn leader(&mut self, limit: Duration) -> Result<Option<LiveNode>, StoreError> {
        Reader::leader(self, limit).await
    }
}

/// Carries reads out for as long as it is polled.
pub(super) async fn serve(
    mut queries: mpsc::UnboundedReceiver<Query>,
    mut source: impl Source,
) -> Infallible {
    let mut nodes = Queue::default();
    let mut leader = Queue::default();
    loop {
        while let Ok(query) = queries.try_recv() {
            enqueue(query, &mut nodes, &mut leader);
        }
        nodes.forget_abandoned();
        leader.forget_abandoned();
        // The kind that has waited longest is read first, so that no caller waits for a read whose limit is longer
        // than its own.
        match (nodes.oldest(), leader.oldest()) {
            (None, None) => match queries.recv().await {
                Some(query) => enqueue(query, &mut nodes, &mut leader),
                None => std::future::pending().await,
            },
            (Some(nodes_asked), leader_asked) if leader_asked.is_none_or(|asked| nodes_asked <= asked) => {
                let waiting = std::mem::take(&mut nodes);
                nodes = waiting.answer(source.nodes(remaining(nodes_asked)).await);
            }
            (_, Some(asked)) => {
                let waiting = std::mem::take(&mut leader);
                leader = waiting.answer(source.leader(remaining(asked)).await);
            }
            (Some(_), None) => {}
        }
    }
}

fn enqueue(query: Query, nodes: &mut Queue<Vec<LiveNode>>, leader: &mut Queue<Option<LiveNode>>) {
    match query {
        Query::Nodes(waiter) => nodes.0.push(waiter),
        Query::Leader(waiter) => leader.0.push(waiter),
    }
}

fn remaining(asked: Instant) -> Duration {
    READ_LIMIT.saturating_sub(asked.elapsed())
}

/// The callers that wait for one kind of read, in the order of their requests.
struct Queue<T>(Vec<Waiter<T>>);

impl<T> Default for Queue<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T: Clone> Queue<T> {
    fn forget_abandoned(&mut self) {
        self.0.retain(|waiter| !waiter.result.is_closed());
    }

    fn oldest(&self) -> Option<Instant> {
        self.0.first().map(|waiter| waiter.asked)
    }

    /// Answers all of them, and returns those that need another read: when the time of the oldest has run out, the
    /// others still have some of theirs.
    fn answer(self, result: Result<T, StoreError>) -> Self {
        let timed_out = result.as_ref().is_err_and(StoreError::is_timeout);
        let mut waiting = Vec::new();
        for waiter in self.0 {
            if timed_out && !remaining(waiter.asked).is_zero() {
                waiting.push(waiter);
            } else {
                // An error means that the caller has gone.
                drop(waiter.result.send(result.clone()));
            }
        }
        Self(waiting)
    }
}

#[cfg(test)]
mod tests;
