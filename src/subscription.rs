//! Subscribing to a node: its events and its status.

use std::pin::Pin;
use std::task::{Context, Poll};

use protocol::Term;
use tokio::sync::{broadcast, watch};
use tokio_stream::wrappers::BroadcastStream;
use tokio_stream::wrappers::errors::BroadcastStreamRecvError;
use tokio_stream::{Stream, StreamExt};

use crate::clock;
use crate::event::Event;
use crate::role::{Lifecycle, Role};
use crate::runtime::shared::SharedState;
use crate::status::Status;

/// A subscription to a node. Made by [`Elector::subscribe`](crate::Elector::subscribe).
///
/// There are two independent ways to read it:
/// - [`changed`](Self::changed) waits until the status differs. It returns the present status and skips those in
///   between.
/// - As a [`Stream`] (or by [`next_event`](Self::next_event)) it yields every [`Event`] since the subscription was
///   made. A reader that falls far behind gets [`Event::Missed`] in place of the oldest, and can read the present
///   [`status`](Self::status). The stream ends after the elector has ended.
///
/// ```
/// use leader_election::{Elector, Event, Role};
///
/// async fn follow(elector: &Elector) {
///     let mut subscription = elector.subscribe();
///     println!("role: {}", subscription.status().role);
///     while let Some(event) = subscription.next_event().await {
///         match event {
///             Event::BecameLeader { term, .. } => println!("leading term {term}"),
///             Event::LostLeadership { reason, .. } => println!("lost leadership: {reason}"),
///             Event::Missed { events, .. } => println!("{events} events missed"),
///             other => println!("{}", other.name()),
///         }
///     }
/// }
/// ```
#[derive(Debug)]
pub struct Subscription {
    state: watch::Receiver<SharedState>,
    events: BroadcastStream<Event>,
    last: Option<(Role, Term, Option<String>, Lifecycle)>,
}

impl Subscription {
    pub(crate) fn new(state: watch::Receiver<SharedState>, events: broadcast::Receiver<Event>) -> Self {
        Self { state, events: BroadcastStream::new(events), last: None }
    }

    /// The status now. Never blocks, never queries.
    pub fn status(&self) -> Status {
        Status::of(&self.state.borrow(), clock::now())
    }

    /// Waits until role, term, leader or lifecycle differ from those that the last call returned; the first call
    /// returns at once. None when the elector has ended and that was returned already.
    ///
    /// # Cancel safety
    /// Cancel safe: no change is lost.
    pub async fn changed(&mut self) -> Option<Status> {
        loop {
            let status = Status::of(&self.state.borrow_and_update(), clock::now());
            let key = (status.role, status.highest_term, status.leader.clone(), status.lifecycle);
            if self.last.as_ref() != Some(&key) {
                self.last = Some(key);
                return Some(status);
            }
            if status.lifecycle == Lifecycle::Ended || self.state.changed().await.is_err() {
                return None;
            }
        }
    }

    /// Waits for the next event. None when the elector has ended and there will be no more. The same as the stream's
    /// `next`.
    ///
    /// # Cancel safety
    /// Cancel safe: no event is lost.
    pub async fn next_event(&mut self) -> Option<Event> {
        self.next().await
    }
}

impl Stream for Subscription {
    type Item = Event;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Event>> {
        Pin::new(&mut self.events).poll_next(context).map(|next| {
            next.map(|event| match event {
                Ok(event) => event,
                Err(BroadcastStreamRecvError::Lagged(events)) => Event::Missed { events },
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runtime::outlets::Outlets;
    use crate::runtime::shared::Exit;

    fn outlets() -> (Outlets, Subscription) {
        let state = SharedState::new("e".to_owned(), "n".to_owned(), 0);
        let (outlets, state, events) = Outlets::new(state);
        (outlets, Subscription::new(state, events))
    }

    #[tokio::test]
    async fn a_slow_reader_learns_how_many_events_it_missed() {
        let (outlets, mut subscription) = outlets();
        for nodes in 0..300 {
            outlets.announce(Event::RowsCleaned { nodes, terms: 0 });
        }
        let missed = subscription.next_event().await.unwrap();
        let Event::Missed { events } = missed else { panic!("{missed:?}") };
        assert_eq!(subscription.next_event().await, Some(Event::RowsCleaned { nodes: events, terms: 0 }));
        assert_eq!(300 - events, 256);
    }

    #[tokio::test]
    async fn the_stream_ends_after_the_last_event_and_the_status_after_the_end() {
        let (outlets, mut subscription) = outlets();
        assert_eq!(subscription.changed().await.unwrap().lifecycle, Lifecycle::Idle);
        outlets.end(Exit::Stopped { clean: true });
        drop(outlets);
        assert_eq!(subscription.changed().await.unwrap().lifecycle, Lifecycle::Ended);
        assert_eq!(subscription.changed().await, None);
        assert_eq!(subscription.next_event().await, Some(Event::Stopped { clean: true }));
        assert_eq!(subscription.next_event().await, None);
    }
}
