//! Drives a machine through random actions and checks, after each event, what must hold. It computes by itself what
//! the machine can know, and shares no state with it.

use std::collections::HashMap;

use super::super::*;
use super::Counts;
use super::action::{Action, Answer, Fitting, View};
use crate::term::Term;

/// A lease of another node, in force for at least as long as an observer must count it.
struct KnownLease {
    version: Option<HeartbeatSeq>,
    expires: Time,
}

pub struct Checker {
    machine: Machine,
    timing: Timing,
    now: Time,
    /// The step under way, as far as its sender can know.
    step: Option<Step>,
    token: u64,
    /// No heartbeat and no claim names this counter or a lower one again.
    seq_floor: Option<HeartbeatSeq>,
    leases: HashMap<LeadershipId, KnownLease>,
    highest_seen: Term,
    stopped: Option<Time>,
    ended: bool,
    pub counts: Counts,
}

macro_rules! ensure {
    ($holds:expr, $($what:tt)+) => {
        if !$holds {
            return Err(format!($($what)+));
        }
    };
}

impl Checker {
    pub fn new(timing: Timing) -> Self {
        let node = LocalNode { id: "b".to_owned(), incarnation: process("b") };
        Self {
            machine: Machine::new(at(0), node, timing),
            timing,
            now: at(0),
            step: None,
            token: 0,
            seq_floor: None,
            leases: HashMap::new(),
            highest_seen: Term::NONE,
            stopped: None,
            ended: false,
            counts: Counts::default(),
        }
    }

    /// Carries out an action.
    ///
    /// # Errors
    /// What did not hold.
    pub fn act(&mut self, action: &Action) -> Result<(), String> {
        let span = |thousandths: u32| self.timing.heartbeat_interval() / 1000 * thousandths;
        match action {
            Action::Pass(by) => self.event(self.now + span(*by), Event::Tick),
            Action::Due => self.event(self.machine.due().unwrap_or(self.now).max(self.now), Event::Tick),
            Action::Wake(after) => self.event(self.now + span(*after), Event::Wake),
            Action::Stop => self.event(self.now, Event::Stop),
            Action::Stray(token, answer) => {
                let token =
                    if self.step.as_ref().is_some_and(|step| step.token == *token) { 0 } else { *token };
                let reply = self.reply(answer, &Request::Observe { terms: Vec::new() });
                self.event(self.now, Event::Reply { token, reply })
            }
            Action::Answer(after, answer) => {
                let Some(Step { token, request, .. }) = self.step.clone() else { return Ok(()) };
                let reply = self.reply(answer, &request);
                self.event(self.now + span(*after), Event::Reply { token, reply })
            }
        }
    }

    fn reply(&self, answer: &Answer, request: &Request) -> Option<Reply> {
        let Fitting { refused, leading, count, rejected, view } = match answer {
            Answer::Lost => return None,
            // A claim's term comes from the store, which chooses it above the claim's minimum.
            Answer::Any(Reply::Claimed { .. }) if matches!(request, Request::Claim(_)) => return None,
            Answer::Any(reply) => return Some(reply.clone()),
            Answer::Fitting(fitting) => fitting,
        };
        Some(match request {
            Request::Register { .. } if *refused => {
                Reply::IdTaken { incarnation: Incarnation(99), leading: *leading }
            }
            Request::Register { .. } => registered(*count),
            Request::Heartbeat { seq_floor, .. } => {
                Reply::HeartbeatAck { seq: (!refused).then(|| seq_floor.next()) }
            }
            Request::Observe { .. } => Reply::Snapshot(self.snapshot(view)),
            Request::Claim(_) if *refused => Reply::ClaimRejected(rejected.clone()),
            Request::Claim(claim) => Reply::Claimed { term: claim.min_term.next().unwrap() },
            Request::EndTerm { .. } => Reply::TermEnded,
            Request::Leave { .. } => Reply::Left,
            Request::Cleanup { .. } => Reply::Cleaned { nodes: 1, terms: 0 },
        })
    }

    fn snapshot(&self, spec: &View) -> Snapshot {
        let mut snapshot = Snapshot::default();
        let lease = self.machine.lease().filter(|_| spec.confirming);
        let own = if spec.confirming { Some(row("b", 0)) } else { spec.own.clone() };
        snapshot.nodes.extend(own);
        for other in &spec.others {
            if snapshot.node(&other.id).is_none() {
                snapshot.nodes.push(other.clone());
            }
        }
        if let Some(lease) = lease {
            snapshot.nodes[0] = leader("b", lease.term.get(), 0);
            snapshot.terms.push(term(lease.term.get(), "b"));
            return snapshot;
        }
        for spec in spec.terms.iter().filter(|term| !spec.confirming || term.leader != "b") {
            let number = (self.highest_seen.get() + spec.after - 1).max(1);
            if snapshot.terms.iter().any(|term| term.term == self::number(number)) {
                continue;
            }
            let (end_reason, successor) = (spec.end_reason, spec.successor.clone());
            let open = end_reason.is_none();
            snapshot.terms.push(TermRow { end_reason, successor, ..term(number, &spec.leader) });
            if let Some(row) = snapshot.nodes.iter_mut().find(|row| row.id == spec.leader)
                && open
                && spec.shown
            {
                *row = leader(&spec.leader, number, row.heartbeat_seq.get());
            }
        }
        snapshot
    }

    fn event(&mut self, now: Time, event: Event) -> Result<(), String> {
        self.now = now;
        let before = self.machine.lease();
        let lapses = before.is_some_and(|lease| lease.deadline <= now);
        if lapses {
            self.step = None;
            self.counts.lapses += 1;
        }
        self.step.take_if(|step| step.until <= now);
        if event == Event::Stop && !self.ended {
            self.stopped.get_or_insert(now);
        }
        // A reply counts only if it is in time and for the step under way.
        let answered = match &event {
            Event::Reply { token, reply } => {
                let step = self.step.take_if(|step| step.token == *token);
                step.and_then(|step| reply.clone().map(|reply| (step, reply)))
            }
            Event::Tick | Event::Wake | Event::Stop => None,
        };
        let shown = match &answered {
            Some((Step { request: Request::Observe { .. }, .. }, Reply::Snapshot(shown))) => Some(shown),
            _ => None,
        };
        if let Some(shown) = shown.filter(|_| self.stopped.is_none()) {
            self.observe(shown);
        }
        let out = self.machine.handle(now, event);
        self.check_steps(&out, shown)?;
        self.check_lease(before, answered.as_ref().map(|(step, _)| step), &out)?;
        self.check_end(&out)
    }

    /// One step at a time, each with its own token and some time. A claim only if nothing forbids it.
    fn check_steps(&mut self, out: &[Command], shown: Option<&Snapshot>) -> Result<(), String> {
        let now = self.now;
        let mut sent = false;
        for command in out {
            let Command::Send { token, request, limit } = command else { continue };
            ensure!(!sent, "two steps at once: {out:?}");
            sent = true;
            let stops = self.stopped == Some(now);
            let replaced = shown.is_some();
            ensure!(self.step.is_none() || stops || replaced, "{request:?} sent while {:?}", self.step);
            ensure!(*token > self.token, "token {token} after {}", self.token);
            ensure!(!limit.is_zero(), "no time for {request:?}");
            if let Request::Heartbeat { seq_floor, .. } | Request::Claim(Claim { seq_floor, .. }) = request {
                ensure!(Some(*seq_floor) > self.seq_floor, "count {seq_floor} named twice");
                self.seq_floor = Some(*seq_floor);
            }
            if let Request::Claim(claim) = request {
                self.check_claim(claim, shown)?;
            }
            self.token = *token;
            self.step =
                Some(Step { token: *token, request: request.clone(), sent: now, until: now + *limit });
        }
        Ok(())
    }

    fn check_claim(&mut self, claim: &Claim, shown: Option<&Snapshot>) -> Result<(), String> {
        self.counts.claims += 1;
        let shown = shown.ok_or("a claim that no snapshot called for")?;
        ensure!(self.machine.lease().is_none(), "a claim of a leader");
        ensure!(claim.check(shown).is_ok(), "{:?} of {claim:?} in {shown:?}", claim.check(shown));
        ensure!(claim.min_term >= self.highest_seen, "a claim not above term {}", self.highest_seen);
        let own = |term: &&TermRow| term.incarnation == process("b");
        ensure!(shown.open_term().filter(own).is_none(), "a claim beside an open term of its own");
        let in_force = self.leases.iter().find(|(_, lease)| self.now < lease.expires);
        ensure!(in_force.is_none(), "a claim while {:?} is in force", in_force.map(|(id, _)| id));
        Ok(())
    }

    /// A lease ends by the clock, at most L after the step that it rests on was sent.
    fn check_lease(
        &mut self,
        before: Option<Lease>,
        answered: Option<&Step>,
        out: &[Command],
    ) -> Result<(), String> {
        let lease = self.machine.lease();
        let began =
            out.iter().any(|command| matches!(command, Command::Announce(Change::BecameLeader { .. })));
        let lost =
            out.iter().any(|command| matches!(command, Command::Announce(Change::LostLeadership { .. })));
        ensure!(began == (before.is_none() && lease.is_some()), "{before:?}, {lease:?} and {out:?}");
        ensure!(lost == (before.is_some() && lease.is_none()), "{before:?}, {lease:?} and {out:?}");
        let Some(lease) = lease else { return Ok(()) };
        ensure!(self.now < lease.deadline, "a lease that has run out");
        ensure!(self.stopped.is_none(), "a lease after the stop");
        ensure!(self.machine.due() <= Some(lease.deadline), "nobody will end the lease");
        self.check_renewal_time(lease)?;
        if before.is_some_and(|before| before == lease) {
            return Ok(());
        }
        let step = answered.ok_or("a lease out of nothing")?;
        ensure!(lease.deadline <= step.sent + self.timing.renew_deadline(), "a lease from {:?}", step.sent);
        match (&step.request, before) {
            (Request::Claim(_), None) => {
                ensure!(lease.term > self.highest_seen, "term {} is not new", lease.term);
                self.highest_seen = lease.term;
                self.counts.leaderships += 1;
            }
            (Request::Heartbeat { belief: Belief::Leader(term), .. }, Some(before)) => {
                ensure!(*term == lease.term && before.term == lease.term, "a renewal of another term");
                self.counts.renewals += 1;
            }
            other => return Err(format!("a lease from {other:?}")),
        }
        Ok(())
    }

    /// A renewal is under way or due before the deadline, and no other step delays it.
    fn check_renewal_time(&self, lease: Lease) -> Result<(), String> {
        let heartbeat_at = self.machine.agenda.heartbeat_at();
        match &self.step {
            Some(Step { request: Request::Heartbeat { .. }, .. }) => {}
            // If the last attempt failed right before the deadline, there is no time for another.
            None if lease.deadline.since(self.now) <= self.timing.heartbeat_interval() / 4 => {}
            None => ensure!(heartbeat_at < lease.deadline, "no renewal before the deadline"),
            Some(step) => ensure!(step.until <= heartbeat_at, "{step:?} keeps the renewal waiting"),
        }
        Ok(())
    }

    /// The machine ends once, and in time after a stop. Until then something is always due, never in the past.
    fn check_end(&mut self, out: &[Command]) -> Result<(), String> {
        ensure!(!self.ended || out.is_empty(), "after its end: {out:?}");
        let ends = out.iter().filter(|command| matches!(command, Command::End(_))).count();
        ensure!(ends <= 1, "it ended {ends} times");
        self.ended |= ends == 1;
        self.counts.ends += u32::from(ends == 1);
        match self.machine.due() {
            None => ensure!(self.ended, "nothing is due"),
            Some(due) => ensure!(!self.ended && due > self.now, "due {due:?}, ended {}", self.ended),
        }
        let given_up = self.stopped.is_some_and(|stopped| self.now >= stopped + self.timing.stop_limit());
        ensure!(self.ended || !given_up, "stopped at {:?} and still there", self.stopped);
        Ok(())
    }

    /// What a snapshot says about other nodes' leases.
    fn observe(&mut self, shown: &Snapshot) {
        self.highest_seen = self.highest_seen.max(shown.highest_term());
        let open = shown.open_term().map(|term| {
            (term.leadership(), shown.leader().map(|row| row.heartbeat_seq), term.lease_duration)
        });
        let row =
            shown.leading_row().map(|row| (row.leadership(), Some(row.heartbeat_seq), row.lease_duration));
        let row = row.filter(|(leadership, ..)| Some(*leadership) != open.map(|(open, ..)| open));
        for (leadership, version, length) in open.into_iter().chain(row) {
            if leadership.incarnation == process("b") {
                continue;
            }
            let expires = self.now + length;
            let lease = self.leases.entry(leadership).or_insert(KnownLease { version, expires });
            if lease.version != version {
                *lease = KnownLease { version, expires: lease.expires.max(expires) };
            }
        }
        let ended = |leadership: &LeadershipId| {
            let row = shown.leading_row().is_some_and(|row| row.leadership() == *leadership);
            let mut terms = shown.terms.iter();
            !row && terms.any(|term| term.leadership() == *leadership && term.end_reason.is_some())
        };
        self.leases.retain(|leadership, _| !ended(leadership));
    }
}
