//! Everything that will happen, ordered by true time.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};

use crate::clock::Moment;

/// What will happen when. What happens at the same moment happens in the order in which it was added.
#[derive(Debug)]
pub struct Schedule<T> {
    queue: BinaryHeap<Reverse<(Moment, u64)>>,
    entries: BTreeMap<u64, T>,
    /// The newest entry's number.
    number: u64,
}

impl<T> Schedule<T> {
    pub fn new() -> Self {
        Self { queue: BinaryHeap::new(), entries: BTreeMap::new(), number: 0 }
    }

    pub fn add(&mut self, at: Moment, entry: T) {
        self.number += 1;
        self.queue.push(Reverse((at, self.number)));
        self.entries.insert(self.number, entry);
    }

    /// Takes what comes next, if that is not after `end`.
    pub fn next_until(&mut self, end: Moment) -> Option<(Moment, T)> {
        let &Reverse((at, number)) = self.queue.peek().filter(|Reverse((at, _))| *at <= end)?;
        self.queue.pop();
        self.entries.remove(&number).map(|entry| (at, entry))
    }

    /// Gives entries another time, or drops them: `change` says which for each, in the order in which they happen to be
    /// kept.
    pub fn change(&mut self, mut change: impl FnMut(Moment, &T) -> Option<Moment>) {
        let queued: Vec<_> = self.queue.drain().collect();
        for Reverse((at, number)) in queued {
            let Some(entry) = self.entries.get(&number) else { continue };
            match change(at, entry) {
                Some(at) => self.queue.push(Reverse((at, number))),
                None => _ = self.entries.remove(&number),
            }
        }
    }
}
