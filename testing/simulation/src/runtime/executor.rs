//! What the driver takes for the store: the world carries the requests to the database and their replies back.

use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::panic::resume_unwind;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use leader_election::__private::{Executor, SharedState};
use protocol::{Command, Reply, Request, Time};
use tokio::sync::watch;

use super::clock::LocalClock;
use crate::subject::Flaw;

/// The line between a driver and the world.
#[derive(Clone)]
pub struct Line(Rc<Inner>);

struct Inner {
    clock: LocalClock,
    published: watch::Receiver<SharedState>,
    flaw: Option<Flaw>,
    /// The newest request's number. They count from 1.
    newest: Cell<u64>,
    sent_at: Cell<Time>,
    /// What the world has not carried away yet.
    sent: RefCell<Vec<Command>>,
    under_way: Cell<bool>,
    answer: RefCell<Option<Result<Reply, String>>>,
    waker: RefCell<Option<Waker>>,
    panics: Cell<bool>,
    closed: Cell<bool>,
}

impl Line {
    pub fn new(clock: LocalClock, published: watch::Receiver<SharedState>, flaw: Option<Flaw>) -> Self {
        Self(Rc::new(Inner {
            sent_at: Cell::new(clock.last_reading()),
            clock,
            published,
            flaw,
            newest: Cell::new(0),
            sent: RefCell::default(),
            under_way: Cell::new(false),
            answer: RefCell::default(),
            waker: RefCell::default(),
            panics: Cell::new(false),
            closed: Cell::new(false),
        }))
    }

    /// What the driver had last read from the clock when it sent its newest request.
    pub fn sent_at(&self) -> Time {
        self.0.sent_at.get()
    }

    /// Whether the driver has put its store away.
    pub fn is_closed(&self) -> bool {
        self.0.closed.get()
    }

    /// The requests that set out.
    pub fn take_sent(&self) -> Vec<Command> {
        self.0.sent.take()
    }

    /// A reply or a failure comes in. Nobody waits for that of a request that was given up.
    pub fn answer(&self, token: u64, result: Result<Reply, String>) {
        let confused = self.0.flaw == Some(Flaw::ReplyOfGivenUpRequest) && token > 0;
        if !self.0.under_way.get() || (token != self.0.newest.get() && !confused) {
            return;
        }
        self.0.answer.borrow_mut().get_or_insert(result);
        self.wake();
    }

    /// The request under way panics as soon as the driver is run. Says whether there is one.
    pub fn panic(&self) -> bool {
        let under_way = self.0.under_way.get();
        self.0.panics.set(under_way);
        self.wake();
        under_way
    }

    fn wake(&self) {
        if let Some(waker) = &*self.0.waker.borrow() {
            waker.wake_by_ref();
        }
    }

    fn send(&self, request: &Request, limit: Duration) -> UnderWay {
        let Inner { newest, sent_at, sent, under_way, published, closed, .. } = &*self.0;
        assert!(!under_way.get(), "two requests at a time");
        assert!(!closed.get(), "a request after the end");
        let ends = matches!(request, Request::Leave { .. } | Request::EndTerm { .. });
        assert!(!ends || published.borrow().lease.is_none(), "a term is ended whose lease is published");
        under_way.set(true);
        newest.set(newest.get() + 1);
        sent_at.set(self.0.clock.last_reading());
        sent.borrow_mut().push(Command::Send { token: newest.get(), request: request.clone(), limit });
        UnderWay(self.clone())
    }
}

/// The driver's end of the line.
pub struct Requests(pub Line);

impl Executor for Requests {
    async fn carry_out(&mut self, request: &Request, limit: Duration) -> Result<Reply, String> {
        let request = self.0.send(request, limit);
        poll_fn(|context| request.poll(context)).await
    }

    async fn close(&mut self) {
        assert!(!self.0.0.under_way.get(), "closed while a request was under way");
        self.0.0.closed.set(true);
    }
}

/// A request that was sent. It is given up by being dropped.
struct UnderWay(Line);

impl UnderWay {
    fn poll(&self, context: &mut Context<'_>) -> Poll<Result<Reply, String>> {
        let Inner { answer, waker, panics, .. } = &*self.0.0;
        if panics.get() {
            // Past the hook that would print it.
            resume_unwind(Box::new("a bug in the store".to_owned()));
        }
        if let Some(result) = answer.take() {
            return Poll::Ready(result);
        }
        *waker.borrow_mut() = Some(context.waker().clone());
        Poll::Pending
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.0.under_way.set(false);
        self.0.0.answer.take();
        self.0.0.waker.take();
    }
}
