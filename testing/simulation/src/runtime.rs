//! One node run by the library's own driver, and by nothing else of the library's runtime.
//!
//! The driver is a future. The world hands it what it waits for (a reply, the end of a timer, a wake-up, a stop), polls it
//! where its waker was called, and takes the requests that it sends. No executor, no thread and no clock of the machine is
//! involved, so a seed repeats a run exactly.

use std::any::Any;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use leader_election::__private::{Driver, Exit, Outlets, SharedState};
use protocol::{Command, Event, Lease, LocalNode, Outcome, Time, Timing};
use tokio::sync::{Notify, watch};
use tokio::task::JoinSet;

use self::clock::LocalClock;
use self::executor::{Line, Requests};
use self::witness::Witness;
use crate::subject::Flaw;

mod clock;
mod executor;
mod witness;

/// What a node's clock shows, and what the node believes that it shows.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Reading {
    /// What it shows.
    pub now: Time,
    /// What the node read before it was stopped for a while.
    pub before: Time,
    /// How many readings of the clock were made before that.
    pub made_before: u32,
}

/// What a node did.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Turn {
    /// What is to be done for it.
    pub commands: Vec<Command>,
    /// What it told its subscribers, for the trace.
    pub told: Vec<String>,
}

/// A driver under simulation.
pub struct RuntimeNode {
    /// None once the driver has ended.
    run: Option<Pin<Box<dyn Future<Output = Exit>>>>,
    clock: LocalClock,
    line: Line,
    stop: watch::Sender<bool>,
    wakeups: Rc<Notify>,
    published: watch::Receiver<SharedState>,
    witness: Arc<Witness>,
    woken: Arc<Woken>,
    flaw: Option<Flaw>,
    /// What a panic does not withdraw where that is the flaw.
    _outlives: Option<Rc<Outlets>>,
}

impl RuntimeNode {
    /// A node that has not run yet. It acts at the first event.
    pub fn new(now: Time, node: LocalNode, priority: i32, timing: Timing, flaw: Option<Flaw>) -> Self {
        let initial = SharedState::new("simulated".to_owned(), node.id.clone(), priority);
        let (outlets, published, heard) = Outlets::new(initial);
        let outlets = Rc::new(outlets);
        let outlives = (flaw == Some(Flaw::LeadershipOutlivesPanic)).then(|| Rc::clone(&outlets));
        let clock = LocalClock::new(now);
        let line = Line::new(clock.clone(), published.clone(), flaw);
        let wakeups = Rc::new(Notify::new());
        let (stop, stop_asked) = watch::channel(false);
        let run = {
            let (clock, line, wakeups) = (clock.clone(), line.clone(), Rc::clone(&wakeups));
            async move {
                let driver = Driver::new(clock, node, timing, &outlets);
                let mut requests = Requests(line);
                let exit = driver.run(&mut requests, stop_asked, &wakeups, &mut JoinSet::new()).await;
                outlets.end(exit.clone());
                exit
            }
        };
        Self {
            run: Some(Box::pin(run)),
            clock,
            line,
            stop,
            wakeups,
            witness: Witness::new(heard, published.clone()),
            published,
            woken: Arc::new(Woken(AtomicBool::new(true))),
            flaw,
            _outlives: outlives,
        }
    }

    /// Takes an event in, and runs for as long as there is something to do.
    ///
    /// # Errors
    /// What the driver, or what it published, contradicts.
    pub fn take_in(&mut self, reading: Reading, event: Event) -> Result<Turn, String> {
        let Reading { now, mut before, mut made_before } = reading;
        if self.flaw == Some(Flaw::ReplyAtTimeOfSending) && matches!(event, Event::Reply { .. }) {
            (before, made_before) = (self.line.sent_at(), u32::MAX);
        }
        self.clock.set(now, before, made_before);
        self.hear(event);
        let exit = self.poll().map_err(|panic| format!("panicked: {panic}"))?;
        let mut turn = Turn { commands: self.line.take_sent(), told: self.witness.told()? };
        if let Some(exit) = exit {
            self.ended(&exit)?;
            turn.commands.push(Command::End(match exit {
                Exit::Stopped { clean } => Outcome::Stopped { clean },
                Exit::Replaced => Outcome::Replaced,
                Exit::Crashed(reason) => return Err(format!("crashed: {reason}")),
            }));
        }
        self.agrees()?;
        Ok(turn)
    }

    /// Takes an event in without running: it is there when the node is run the next time.
    pub fn hear(&mut self, event: Event) {
        match event {
            Event::Tick => self.clock.wake(),
            Event::Wake if self.flaw == Some(Flaw::Deaf) => {}
            Event::Wake => self.wakeups.notify_one(),
            Event::Stop => drop(self.stop.send_replace(true)),
            Event::Reply { token, reply } => {
                self.line.answer(token, reply.ok_or_else(|| "no answer".to_owned()));
            }
        }
    }

    /// The request under way, if there is one, panics. Says whether there was.
    ///
    /// # Errors
    /// The panic did not withdraw what was published.
    pub fn panic(&mut self) -> Result<bool, String> {
        if !self.line.panic() {
            return Ok(false);
        }
        match self.poll() {
            Ok(_) => Err("a panic was swallowed".to_owned()),
            Err(_) => {
                let state = self.published.borrow();
                if state.lease.is_some() || !matches!(state.exit, Some(Exit::Crashed(_))) {
                    return Err(format!("panicked and publishes {:?} and {:?}", state.lease, state.exit));
                }
                self.witness.told().map(|_| true)
            }
        }
    }

    /// The process is gone.
    ///
    /// # Errors
    /// What was told on the way out contradicts what was published.
    pub fn crash(&mut self) -> Result<(), String> {
        let run = self.run.take();
        catch_unwind(AssertUnwindSafe(|| drop(run)))
            .map_err(|panic| format!("panicked: {}", message(&*panic)))?;
        self.witness.told().map(drop)
    }

    /// The machine was suspended for that long: its clock went on, its timers did not.
    pub fn suspended(&mut self, span: Duration) {
        self.clock.postpone_timers(span);
    }

    /// The leadership that it publishes.
    pub fn lease(&self) -> Option<Lease> {
        self.published.borrow().lease
    }

    /// The leadership that it publishes, at the time it is asked for.
    pub fn lease_at(&self, now: Time) -> Option<Lease> {
        let stored = self.flaw == Some(Flaw::StoredFlag);
        if stored { self.lease() } else { self.published.borrow().lease_at(now) }
    }

    /// Whether it publishes that it takes part.
    pub fn is_registered(&self) -> bool {
        self.published.borrow().node.as_ref().is_some_and(|node| node.registered)
    }

    /// When its timer ends, if it waits for one.
    pub fn due(&self) -> Option<Time> {
        self.clock.due()
    }

    /// What its clock showed when it sent its newest request.
    pub fn sent_at(&self) -> Time {
        self.line.sent_at()
    }

    /// Polls the driver if it was woken.
    fn poll(&mut self) -> Result<Option<Exit>, String> {
        let Some(run) = &mut self.run else { return Ok(None) };
        while self.woken.0.swap(false, Ordering::Relaxed) {
            let waker = Waker::from(Arc::clone(&self.woken));
            let polled =
                catch_unwind(AssertUnwindSafe(|| run.as_mut().poll(&mut Context::from_waker(&waker))));
            match polled {
                Ok(Poll::Pending) => {}
                Ok(Poll::Ready(exit)) => {
                    self.run = None;
                    return Ok(Some(exit));
                }
                Err(panic) => {
                    self.run = None;
                    return Err(message(&*panic));
                }
            }
        }
        Ok(None)
    }

    fn ended(&self, exit: &Exit) -> Result<(), String> {
        let state = self.published.borrow();
        if state.lease.is_some() || state.exit.as_ref() != Some(exit) {
            return Err(format!("ended ({exit:?}) and publishes {:?} and {:?}", state.lease, state.exit));
        }
        if !self.line.is_closed() {
            return Err(format!("ended ({exit:?}) and did not close its store"));
        }
        Ok(())
    }

    /// Between two turns, what was told is what is published.
    fn agrees(&self) -> Result<(), String> {
        let (published, told) = (self.lease().map(|lease| lease.term), self.witness.leads());
        if published == told {
            return Ok(());
        }
        Err(format!("publishes a lease of {published:?} and told that it leads in {told:?}"))
    }
}

/// Whether the driver's waker was called.
struct Woken(AtomicBool);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Relaxed);
    }
}

fn message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "no message".to_owned())
}
