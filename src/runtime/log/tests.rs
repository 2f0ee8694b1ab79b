use std::sync::Mutex;
use std::sync::mpsc::channel;
use std::time::Instant;

use tracing::field::{Field, Visit};
use tracing::{Metadata, Subscriber, span};

use super::*;
use crate::event::LossReason;

fn writer() -> Writer {
    Writer {
        election: "shop".to_owned(),
        node_id: "a".to_owned(),
        priority: 0,
        renew_deadline: Duration::from_secs(9),
    }
}

/// Calls a function with the fields of every line, as text.
struct Lines<F>(F);

#[derive(Default)]
struct Fields(Vec<(String, String)>);

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        self.0.push((field.name().to_owned(), format!("{value:?}")));
    }
}

impl<F: Fn(&[(String, String)]) + 'static> Subscriber for Lines<F> {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn event(&self, event: &tracing::Event<'_>) {
        let mut fields = Fields::default();
        event.record(&mut fields);
        (self.0)(&fields.0);
    }

    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }
    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}
    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}
    fn enter(&self, _: &span::Id) {}
    fn exit(&self, _: &span::Id) {}
}

fn start(on_line: impl Fn(&[(String, String)]) + Send + Sync + 'static) -> (LogQueue, LogThread) {
    tracing::dispatcher::with_default(&Dispatch::new(Lines(on_line)), || LogThread::start(writer()).unwrap())
}

fn message(line: &[(String, String)]) -> String {
    line.iter().find(|(name, _)| name == "message").unwrap().1.clone()
}

#[test]
fn the_subscriber_of_the_thread_that_starts_the_log_gets_its_lines_with_their_names() {
    let (lines, heard) = channel();
    let lines = Mutex::new(lines);
    let (queue, thread) = start(move |line| lines.lock().unwrap().send(line.to_vec()).unwrap());
    queue.push(Event::LostLeadership { term: protocol::Term::new(2), reason: LossReason::ShuttingDown });
    queue.push(Event::Stopped { clean: true });
    drop(queue);
    thread.finish(Duration::from_secs(20));
    let line = heard.recv().unwrap();
    for (name, value) in [
        ("event", "\"lost_leadership\""),
        ("election", "shop"),
        ("node_id", "a"),
        ("term", "2"),
        ("reason", "shutting_down"),
        ("message", "a lost leadership of term 2: resigned (shutting down)"),
    ] {
        assert!(line.contains(&(name.to_owned(), value.to_owned())), "{name}={value} is not in {line:?}");
    }
    assert_eq!(message(&heard.recv().unwrap()), "a left the election shop");
    assert!(heard.recv().is_err());
}

#[test]
fn a_subscriber_that_blocks_delays_no_one_and_its_missed_lines_are_counted() {
    let (release, blocked) = channel::<()>();
    let (lines, heard) = channel();
    let both = Mutex::new((lines, blocked));
    let (queue, thread) = start(move |line| {
        let both = both.lock().unwrap();
        // Blocks until the other end is dropped.
        let _ = both.1.recv();
        both.0.send(message(line)).unwrap();
    });
    let begin = Instant::now();
    let events = CAPACITY + 100;
    for _ in 0..events {
        queue.push(Event::Replaced);
    }
    assert!(begin.elapsed() < Duration::from_secs(2), "it took {:?}", begin.elapsed());
    drop(release);
    drop(queue);
    thread.finish(Duration::from_secs(20));
    let lines: Vec<_> = heard.iter().collect();
    let dropped = events - (lines.len() - 1);
    // The thread may have taken one event before the queue was full.
    assert!((99..=100).contains(&dropped), "{dropped}");
    assert!(
        lines.contains(&format!("{dropped} log lines were dropped: the log subscriber was too slow")),
        "{lines:?}"
    );
}

#[test]
fn a_subscriber_that_never_returns_is_left_behind() {
    let (release, blocked) = channel::<()>();
    let blocked = Mutex::new(blocked);
    let (queue, thread) = start(move |_| {
        let _ = blocked.lock().unwrap().recv();
    });
    queue.push(Event::Replaced);
    drop(queue);
    let begin = Instant::now();
    thread.finish(Duration::from_millis(100));
    assert!(begin.elapsed() >= Duration::from_millis(100));
    drop(release);
}

#[test]
fn a_subscriber_that_panics_at_a_line_gets_the_next() {
    let (lines, heard) = channel();
    let lines = Mutex::new(lines);
    let (queue, thread) = start(move |line| {
        let message = message(line);
        assert!(!message.contains("replaced"), "a bug in the application's subscriber");
        lines.lock().unwrap().send(message).unwrap();
    });
    queue.push(Event::Replaced);
    queue.push(Event::Stopped { clean: true });
    drop(queue);
    thread.finish(Duration::from_secs(20));
    assert_eq!(heard.iter().collect::<Vec<_>>(), ["a left the election shop"]);
}
