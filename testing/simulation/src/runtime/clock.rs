//! A node's clock and its one timer, which the world sets.

use std::cell::{Cell, RefCell};
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use leader_election::__private::Clock;
use protocol::Time;

/// More readings without a pause than any turn of the driver makes.
const MOST_READINGS: u32 = 10_000;

/// What the driver takes for the machine's clock.
#[derive(Clone)]
pub struct LocalClock(Rc<Inner>);

struct Inner {
    shown: Cell<Time>,
    /// What the next readings find, and how many of them: these were made before the process was stopped for a while.
    before: Cell<(Time, u32)>,
    last_reading: Cell<Time>,
    readings: Cell<u32>,
    /// By how much timers have been put off altogether.
    postponed: Cell<Duration>,
    timer: RefCell<Option<Timer>>,
}

struct Timer {
    /// When it ends, if timers are put off no further.
    due: Time,
    /// By how much timers had been put off when it was set.
    postponed: Duration,
    waker: Waker,
}

impl LocalClock {
    pub fn new(now: Time) -> Self {
        Self(Rc::new(Inner {
            shown: Cell::new(now),
            before: Cell::new((now, 0)),
            last_reading: Cell::new(now),
            readings: Cell::new(0),
            postponed: Cell::new(Duration::ZERO),
            timer: RefCell::new(None),
        }))
    }

    /// It shows `now`; the next `made_before` readings find `before`.
    pub fn set(&self, now: Time, before: Time, made_before: u32) {
        self.0.shown.set(now);
        self.0.before.set((before, made_before));
        self.0.readings.set(0);
    }

    /// What the driver last read.
    pub fn last_reading(&self) -> Time {
        self.0.last_reading.get()
    }

    /// When the timer ends, if one is set.
    pub fn due(&self) -> Option<Time> {
        self.0.timer.borrow().as_ref().map(|timer| self.end_of(timer.due, timer.postponed))
    }

    /// The timer may have ended.
    pub fn wake(&self) {
        if let Some(timer) = &*self.0.timer.borrow() {
            timer.waker.wake_by_ref();
        }
    }

    pub fn postpone_timers(&self, by: Duration) {
        self.0.postponed.set(self.0.postponed.get() + by);
    }

    fn end_of(&self, due: Time, postponed: Duration) -> Time {
        due + (self.0.postponed.get() - postponed)
    }
}

impl Clock for LocalClock {
    fn now(&self) -> Time {
        let readings = self.0.readings.get() + 1;
        assert!(readings < MOST_READINGS, "the driver spins");
        self.0.readings.set(readings);
        let (before, left) = self.0.before.get();
        let reading = if left > 0 { before } else { self.0.shown.get() };
        self.0.before.set((before, left.saturating_sub(1)));
        self.0.last_reading.set(reading);
        reading
    }

    fn sleep(&self, span: Duration) -> impl Future<Output = ()> {
        let (due, postponed) = (self.0.shown.get() + span, self.0.postponed.get());
        Sleep { clock: self.clone(), due, postponed }
    }
}

struct Sleep {
    clock: LocalClock,
    due: Time,
    postponed: Duration,
}

impl Future for Sleep {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let Self { clock, due, postponed } = &*self;
        if clock.end_of(*due, *postponed) <= clock.0.shown.get() {
            return Poll::Ready(());
        }
        let timer = Timer { due: *due, postponed: *postponed, waker: context.waker().clone() };
        *clock.0.timer.borrow_mut() = Some(timer);
        Poll::Pending
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        *self.clock.0.timer.borrow_mut() = None;
    }
}
