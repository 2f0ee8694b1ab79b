//! Access to an agenda for the tests of the whole machine.

use super::{Agenda, Step};
use crate::time::Time;

impl Agenda {
    pub fn in_flight(&self) -> Option<&Step> {
        self.in_flight.as_ref()
    }

    pub fn heartbeat_at(&self) -> Time {
        self.heartbeat_at
    }

    pub fn poll_no_more(&mut self) {
        self.poll_at = None;
    }

    pub fn clean_up_at(&mut self, at: Time) {
        self.cleanup_at = at;
    }
}
