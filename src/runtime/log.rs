//! The log, on a thread of its own. A subscriber that blocks (a full pipe, a stalled collector) costs lines, and
//! never a leadership.

mod lines;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::thread::JoinHandle;
use std::time::Duration;

use tracing::Dispatch;
use tracing::subscriber::NoSubscriber;

pub(super) use self::lines::Writer;
use crate::event::Event;

/// How many events may wait to be logged. Beyond that, events are dropped and counted.
const CAPACITY: usize = 256;

/// The queue of events to be logged. Never waits.
#[derive(Clone, Debug)]
pub(super) struct LogQueue {
    events: SyncSender<Event>,
    dropped: Arc<AtomicU64>,
}

impl LogQueue {
    pub fn push(&self, event: Event) {
        if let Err(TrySendError::Full(_)) = self.events.try_send(event) {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// The thread that writes the lines, until the last queue is dropped.
pub(super) struct LogThread {
    handle: JoinHandle<()>,
    /// Carries no messages. The thread drops the sender when it ends.
    finished: Receiver<()>,
}

impl LogThread {
    /// Starts the thread. It writes to the subscriber of the calling thread, if it has one, and otherwise to the
    /// global one at the time of each line.
    pub fn start(writer: Writer) -> std::io::Result<(LogQueue, Self)> {
        let (events, queue) = sync_channel(CAPACITY);
        let dropped = Arc::new(AtomicU64::new(0));
        let (alive, finished) = sync_channel(1);
        let dispatch = tracing::dispatcher::get_default(Dispatch::clone);
        let handle = std::thread::Builder::new().name("election-log".to_owned()).spawn({
            let dropped = Arc::clone(&dropped);
            move || {
                let _alive = alive;
                let write = || write_all(&queue, &dropped, &writer);
                // If the empty dispatcher were entered, it would hide one that is set later.
                if dispatch.is::<NoSubscriber>() {
                    write();
                } else {
                    tracing::dispatcher::with_default(&dispatch, write);
                }
            }
        })?;
        Ok((LogQueue { events, dropped }, Self { handle, finished }))
    }

    /// Waits until every line is written, up to this limit. The thread of a subscriber that still blocks is left
    /// behind.
    pub fn finish(self, limit: Duration) {
        if self.finished.recv_timeout(limit) == Err(RecvTimeoutError::Disconnected) {
            // Panics of the subscriber are caught line by line.
            drop(self.handle.join());
        }
    }
}

fn write_all(queue: &Receiver<Event>, dropped: &AtomicU64, writer: &Writer) {
    while let Ok(event) = queue.recv() {
        let write = |event: &Event| drop(catch_unwind(AssertUnwindSafe(|| writer.write(event))));
        write(&event);
        let events = dropped.swap(0, Ordering::Relaxed);
        if events > 0 {
            write(&Event::Missed { events });
        }
    }
}

#[cfg(test)]
mod tests;
