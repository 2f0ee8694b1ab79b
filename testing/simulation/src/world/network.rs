//! What happens to a request on its way to the database and to the reply on its way back.

use std::time::Duration;

use protocol::{Belief, Event, HeartbeatSeq, LeadershipId, Reply, Request, TakeOver, TermRow};

use super::happening::Happening;
use super::process::{Effect, Inbound};
use super::{ELECTION, HEARTBEAT, World};
use crate::clock::Moment;
use crate::database::{DatabaseTime, NodeRecord};
use crate::faults::Fault;
use crate::trace::{self, name};

impl World {
    /// A process sends a request.
    pub(super) fn send(&mut self, index: usize, token: u64, request: Request, limit: Duration) {
        let process = &self.processes[index];
        let limit = process.clock.takes(limit);
        let expected = self.now + limit;
        if process.claim_blocked && matches!(request, Request::Claim(_)) {
            return self.tally.inject(Fault::ClaimBlocked);
        }
        if let Some(leadership) = may_end(&request) {
            self.observer.on_ending_request(leadership, process.identity.incarnation, token);
        }
        let mut delay = self.transit(index, limit);
        let follows =
            matches!(request, Request::Heartbeat { belief: Belief::Follower | Belief::Candidate, .. });
        if follows
            && self.scenario.network.late_heartbeats > 0.0
            && self.rng.chance(self.scenario.network.late_heartbeats)
        {
            // This attempt is given up and arrives late; the process sends another.
            let late = self.now + self.rng.between(limit, 4 * ELECTION);
            let (token, request) = (0, request.clone());
            self.schedule(late, Happening::Arrive { process: index, token, request, expected });
        }
        if self.disturbed {
            if self.now < self.processes[index].partitioned_until {
                if self.rng.chance(0.7) {
                    return;
                }
                delay += self.processes[index].partitioned_until - self.now;
            } else if self.rng.chance(self.scenario.network.loss) {
                return self.tally.inject(Fault::LostRequest);
            } else if self.rng.chance(self.scenario.network.late) {
                delay = self.rng.between(limit, 3 * ELECTION);
            }
        }
        self.schedule(self.now + delay, Happening::Arrive { process: index, token, request, expected });
    }

    /// A store gives a request up when its limit is over, though a timer may be late and a store may hang.
    pub(super) fn time_out(&mut self, index: usize, token: u64, limit: Duration) {
        if self.subject.is_runtime() && self.rng.chance(0.8) {
            let at = self.now + self.processes[index].clock.takes(limit);
            let late = self.rng.between(Duration::ZERO, HEARTBEAT / 50);
            let inbound = Inbound::reply(token, None, Effect::default());
            self.schedule(at + late, Happening::Return { process: index, inbound });
        }
    }

    /// A request reaches the database, is carried out, and the reply sets out.
    pub(super) fn arrive(
        &mut self,
        index: usize,
        token: u64,
        request: &Request,
        expected: Moment,
    ) -> Result<(), String> {
        if self.now < self.outage_until {
            self.refuse(index, token, request, expected);
            return Ok(());
        }
        let row = self.database.nodes.get(&self.processes[index].identity.id);
        let led = row.is_some_and(NodeRecord::is_leader);
        if self.scenario.network.late_heartbeats > 0.0 && !self.processes[index].alive() && !led {
            // Another scenario lets a dead node count as live for a while.
            return Ok(());
        }
        if expected < self.now || !self.processes[index].alive() {
            self.tally.inject(Fault::LateRequest);
        }
        let now = self.database_now();
        let sender = self.processes[index].identity.clone();
        let before = self.database.open_term().map(TermRow::leadership);
        let reply = self.database.perform(now, &sender, request);
        self.say(|| {
            let (request, reply) = (trace::request(request), trace::reply(&reply));
            format!("  database: {} {request} -> {reply}", name(&sender))
        });
        if let (Request::Register { .. }, Reply::IdTaken { .. }) = (request, &reply)
            && self.disturbed
            && self.rng.chance(0.3)
        {
            // The statement that takes the row over found none to take, and the one that looks comes a little later.
            let at = self.now + self.rng.between(Duration::ZERO, HEARTBEAT / 50);
            let request = Request::Register { take_over: None };
            self.schedule(at, Happening::Arrive { process: index, token, request, expected });
            return self.check();
        }
        self.committed(index, request, &reply)?;
        if before != self.database.open_term().map(TermRow::leadership) {
            self.notify();
            if let Some(ended) = before.filter(|leadership| leadership.incarnation != sender.incarnation) {
                self.observer.on_other_term_ended(ended, sender.incarnation, token);
            }
        }
        let row = self.database.nodes.get(&sender.id).filter(|row| row.incarnation == sender.incarnation);
        let open = self.database.open_term().filter(|term| term.incarnation == sender.incarnation);
        let effect = Effect {
            open: open.map(|term| term.term),
            seq: row.map_or(HeartbeatSeq::ZERO, |row| row.heartbeat_seq),
        };
        let limit = expected.saturating_sub(self.now).max(HEARTBEAT / 20);
        let mut delay = self.transit(index, limit);
        if self.disturbed {
            let partitioned_until = self.processes[index].partitioned_until;
            if self.now < partitioned_until {
                if self.rng.chance(0.7) {
                    self.tally.inject(Fault::LostReply);
                    return self.check();
                }
                delay += partitioned_until - self.now;
            } else if self.rng.chance(self.scenario.network.loss) {
                self.tally.inject(Fault::LostReply);
                return self.check();
            }
        }
        let inbound = Inbound::reply(token, Some(reply), effect);
        self.schedule(self.now + delay, Happening::Return { process: index, inbound });
        self.check()
    }

    /// Messages on their way when the faults stop arrive soon or never.
    pub(super) fn flush(&mut self) {
        let (now, rng) = (self.now, &mut self.rng);
        let soon = now + HEARTBEAT / 10;
        self.schedule.change(|at, happening| {
            let on_its_way = matches!(
                happening,
                Happening::Arrive { .. } | Happening::Return { .. } | Happening::Write { .. }
            );
            if !on_its_way || at <= soon {
                return Some(at);
            }
            (!rng.chance(0.5)).then(|| now + rng.between(Duration::ZERO, HEARTBEAT / 10))
        });
    }

    /// How long a message takes.
    fn transit(&mut self, index: usize, limit: Duration) -> Duration {
        if self.processes[index].slow {
            // Both ways together take nearly the limit, sometimes a little more.
            limit.mul_f64(0.3 + 0.21 * self.rng.fraction())
        } else if self.disturbed && self.rng.chance(self.scenario.network.slow_messages) {
            limit.mul_f64(0.99 * self.rng.fraction())
        } else {
            self.rng.between(HEARTBEAT / 2000, HEARTBEAT / 200)
        }
    }

    /// The database does not answer: an error, silence, or a step that waits until it is back.
    fn refuse(&mut self, index: usize, token: u64, request: &Request, expected: Moment) {
        let choice = self.rng.below(10);
        if choice < 5 {
            let delay = self.rng.between(Duration::ZERO, HEARTBEAT / 20);
            let inbound = Inbound::reply(token, None, Effect::default());
            self.schedule(self.now + delay, Happening::Return { process: index, inbound });
        } else if choice < 7 {
            let at = self.outage_until + self.rng.between(Duration::ZERO, HEARTBEAT);
            let request = request.clone();
            self.schedule(at, Happening::Arrive { process: index, token, request, expected });
        }
    }

    /// Passes a committed step to the observer and the counts.
    fn committed(&mut self, index: usize, request: &Request, reply: &Reply) -> Result<(), String> {
        let identity = &self.processes[index].identity;
        match (request, reply) {
            (_, Reply::Claimed { term }) => {
                let failover = self
                    .claims
                    .last()
                    .is_some_and(|(_, before, _)| before.incarnation != identity.incarnation);
                self.observer.on_claim(*term, identity.incarnation)?;
                let version =
                    self.database.nodes.get(&identity.id).map_or(HeartbeatSeq::ZERO, |row| row.heartbeat_seq);
                let leadership = LeadershipId { term: *term, incarnation: identity.incarnation };
                self.observer.on_renewal(leadership, version);
                self.claims.push((self.now, leadership, identity.id.clone()));
                self.renewed = self.now;
                self.tally_traits();
                self.tally.leadership(failover);
            }
            (
                Request::Heartbeat { belief: Belief::Leader(term), .. },
                Reply::HeartbeatAck { seq: Some(seq) },
            ) => {
                let leadership = LeadershipId { term: *term, incarnation: identity.incarnation };
                self.observer.on_renewal(leadership, *seq);
                self.renewed = self.now;
            }
            _ => {}
        }
        Ok(())
    }

    /// Wakes every listening process.
    fn notify(&mut self) {
        for index in self.alive.clone() {
            if self.rng.chance(self.scenario.network.notified) {
                let delay = self.rng.between(Duration::ZERO, HEARTBEAT / 200);
                let inbound = Inbound::plain(Event::Wake);
                self.schedule(self.now + delay, Happening::Return { process: index, inbound });
            }
        }
    }

    fn database_now(&self) -> DatabaseTime {
        let elapsed = i64::try_from(self.now.as_micros()).unwrap_or(i64::MAX);
        self.database_clock.saturating_add(elapsed)
    }
}

/// The other process's leadership that a request ends if it succeeds.
fn may_end(request: &Request) -> Option<LeadershipId> {
    match request {
        Request::Claim(claim) => claim.incumbent.term,
        Request::Register { take_over: Some(TakeOver::Leader { incumbent, .. }) } => incumbent.term,
        _ => None,
    }
}
