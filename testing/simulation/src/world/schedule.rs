//! A queue, ordered by true time.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};

use crate::clock::Moment;

/// Entries with their times. Entries at the same moment are taken in the order in which they were added.
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

    /// Takes the next entry, if it is not after `end`.
    pub fn next_until(&mut self, end: Moment) -> Option<(Moment, T)> {
        let &Reverse((at, number)) = self.queue.peek().filter(|Reverse((at, _))| *at <= end)?;
        self.queue.pop();
        self.entries.remove(&number).map(|entry| (at, entry))
    }

    /// Changes the times of entries, or removes them: `change` decides for each, in the order in which they are
    /// stored.
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
