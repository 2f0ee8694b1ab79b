//! What the application reads from the database, on a connection of its own.
//!
//! Reads of one kind that wait together are carried out once, and those that nobody waits for any more not at all.
//! Every read has its answer within [`READ_LIMIT`] of being asked for, however many there are.

use std::convert::Infallible;
use std::future::Future;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;

use crate::store::error::StoreError;
use crate::store::{LiveNode, READ_LIMIT, Reader};

/// A read, and where its result goes.
#[derive(Debug)]
pub(crate) enum Query {
    Nodes(Waiter<Vec<LiveNode>>),
    Leader(Waiter<Option<LiveNode>>),
}

/// Somebody who waits for the result of a read.
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

/// Carries reads out, for as long as it is polled.
pub(super) async fn serve(
    mut queries: mpsc::UnboundedReceiver<Query>,
    mut source: impl Source,
) -> Infallible {
    let mut nodes = Queue::default();
    let mut leader = Queue::default();
    loop {
        while let Ok(query) = queries.try_recv() {
            sort(query, &mut nodes, &mut leader);
        }
        nodes.forget_abandoned();
        leader.forget_abandoned();
        // The one that has waited longest goes first: nobody waits for a read that may take longer than his own.
        match (nodes.oldest(), leader.oldest()) {
            (None, None) => match queries.recv().await {
                Some(query) => sort(query, &mut nodes, &mut leader),
                None => std::future::pending().await,
            },
            (Some(nodes_asked), leader_asked) if leader_asked.is_none_or(|asked| nodes_asked <= asked) => {
                let waiting = std::mem::take(&mut nodes);
                nodes = waiting.answer(source.nodes(left(nodes_asked)).await);
            }
            (_, Some(asked)) => {
                let waiting = std::mem::take(&mut leader);
                leader = waiting.answer(source.leader(left(asked)).await);
            }
            (Some(_), None) => {}
        }
    }
}

fn sort(query: Query, nodes: &mut Queue<Vec<LiveNode>>, leader: &mut Queue<Option<LiveNode>>) {
    match query {
        Query::Nodes(waiter) => nodes.0.push(waiter),
        Query::Leader(waiter) => leader.0.push(waiter),
    }
}

fn left(asked: Instant) -> Duration {
    READ_LIMIT.saturating_sub(asked.elapsed())
}

/// Those who wait for reads of one kind, in the order in which they asked.
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

    /// Answers all of them, and returns those for whom another read is to be made: where the time of the oldest has run
    /// out, the others still have some of theirs.
    fn answer(self, result: Result<T, StoreError>) -> Self {
        let timed_out = result.as_ref().is_err_and(StoreError::is_timeout);
        let mut waiting = Vec::new();
        for waiter in self.0 {
            if timed_out && !left(waiter.asked).is_zero() {
                waiting.push(waiter);
            } else {
                // Nobody may be left to hear it.
                drop(waiter.result.send(result.clone()));
            }
        }
        Self(waiting)
    }
}

#[cfg(test)]
mod tests;
