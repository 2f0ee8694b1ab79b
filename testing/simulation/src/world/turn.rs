//! What a process does when something reaches it, and when it goes on after it was stopped.

use std::time::Duration;

use protocol::{Change, Command, Event, Outcome, Reply, Time};

use super::happening::Happening;
use super::process::{Inbound, Life};
use super::{HEARTBEAT, World};
use crate::node::Node;
use crate::runtime::{Reading, Turn};
use crate::trace::{self, name};

/// How many readings of the clock a turn may have made before the process was stopped in it.
const MOST_READINGS: [u32; 6] = [1, 2, 3, 4, 5, u32::MAX];

impl World {
    /// An event reaches a process, which handles it unless it is frozen.
    pub(super) fn receive(&mut self, index: usize, inbound: Inbound) -> Result<(), String> {
        match &mut self.processes[index].life {
            Life::Gone => Ok(()),
            Life::Frozen { inbox, .. } => {
                inbox.push(inbound);
                Ok(())
            }
            Life::Running => {
                let shown = self.processes[index].clock.shows(self.now);
                if self.disturbed && self.interrupts() {
                    self.freeze(index, Some((shown, inbound)));
                    return self.check();
                }
                self.handle(index, shown, inbound)
            }
        }
    }

    pub(super) fn resume(&mut self, index: usize) -> Result<(), String> {
        let Life::Frozen { since, until, interrupted, inbox } = &mut self.processes[index].life else {
            return Ok(());
        };
        if self.now < *until {
            return Ok(());
        }
        let (since, interrupted, mut inbox) = (*since, interrupted.take(), std::mem::take(inbox));
        self.processes[index].life = Life::Running;
        self.say(|| format!("{} goes on", name(&self.processes[index].identity)));
        self.check()?;
        self.suspend(index, since);
        if let Some((read_before, inbound)) = interrupted {
            self.handle(index, read_before, inbound)?;
        }
        self.hear_at_once(index, &mut inbox);
        inbox.push(Inbound::plain(Event::Tick));
        while !inbox.is_empty() && self.processes[index].alive() {
            let inbound = inbox.swap_remove(self.rng.below(inbox.len()));
            let shown = self.processes[index].clock.shows(self.now);
            self.handle(index, shown, inbound)?;
        }
        Ok(())
    }

    fn handle(&mut self, index: usize, shown: Time, inbound: Inbound) -> Result<(), String> {
        let process = &mut self.processes[index];
        if let Event::Reply { token, reply: Some(reply) } = &inbound.event
            && process.awaits(*token, shown)
        {
            match reply {
                Reply::Snapshot(view) => self.observer.on_snapshot(process.identity.incarnation, view),
                Reply::Claimed { term } => {
                    self.observer.on_claim_reply(process.identity.incarnation, *term)?
                }
                _ => {}
            }
        }
        let before = process.node.lease();
        let is_reply = matches!(inbound.event, Event::Reply { reply: Some(_), .. });
        let what = if self.trace { trace::event(&inbound.event) } else { String::new() };
        let now = process.clock.shows(self.now);
        let made_before = if shown == now { 0 } else { MOST_READINGS[self.rng.below(MOST_READINGS.len())] };
        let reading = Reading { now, before: shown, made_before };
        let Turn { commands, told } = process
            .node
            .take_in(reading, inbound.event)
            .map_err(|what| format!("{} {what}", name(&process.identity)))?;
        let after = process.node.lease();
        process.flag = after.is_some();
        let extended = after.filter(|after| {
            is_reply
                && before.is_none_or(|before| before.term != after.term || before.deadline < after.deadline)
        });
        if let Some(lease) = extended {
            process.rests_on = inbound.effect.seq;
            if inbound.effect.open != Some(lease.term) {
                let who = name(&process.identity);
                return Err(format!(
                    "{who} extended its lease of term {} while that was not open",
                    lease.term
                ));
            }
        }
        self.say(|| {
            let process = &self.processes[index];
            let lease = trace::lease(process.node.lease(), shown);
            let commands: Vec<_> = commands.iter().map(trace::command).chain(told).collect();
            format!("{}{lease} <- {what}\n             -> {}", name(&process.identity), commands.join("; "))
        });
        for command in commands {
            match command {
                Command::Send { token, request, limit } => {
                    let process = &mut self.processes[index];
                    process.awaited = (token, process.node.sent_at(shown) + limit);
                    self.time_out(index, token, limit);
                    self.send(index, token, request, limit);
                }
                Command::Announce(change) => self.announced(index, &change)?,
                Command::End(outcome) => return self.ended(index, outcome),
            }
        }
        self.schedule_tick(index, shown);
        self.maybe_write(index);
        self.check()
    }

    fn announced(&mut self, index: usize, change: &Change) -> Result<(), String> {
        if let Change::BecameLeader { term, .. } = change {
            self.tally_traits();
            let process = &self.processes[index];
            if process.node.lease().is_none_or(|lease| lease.term != *term) {
                return Err(format!("{} announced term {term} without its lease", name(&process.identity)));
            }
        }
        Ok(())
    }

    fn ended(&mut self, index: usize, outcome: Outcome) -> Result<(), String> {
        let process = &self.processes[index];
        if process.node.lease().is_some() {
            return Err(format!("{} ended ({outcome:?}) with a lease", name(&process.identity)));
        }
        let stopped = matches!(outcome, Outcome::Stopped { .. });
        if stopped != process.stopping && stopped {
            return Err(format!("{} stopped unasked", name(&process.identity)));
        }
        let clean = outcome == Outcome::Stopped { clean: true };
        let row = self.database.nodes.get(&process.identity.id);
        let own_row = row.is_some_and(|row| row.incarnation == process.identity.incarnation);
        let own_term =
            self.database.open_term().is_some_and(|term| term.incarnation == process.identity.incarnation);
        if clean
            && (own_row || own_term)
            && self.quiet_since.is_some_and(|since| self.now > since + HEARTBEAT)
        {
            return Err(format!("{} stopped cleanly and left its row or its term", name(&process.identity)));
        }
        self.remove(index)?;
        self.check()
    }

    /// Wakes a process when it asked to be, or a little later.
    fn schedule_tick(&mut self, index: usize, shown: Time) {
        let process = &mut self.processes[index];
        process.tick += 1;
        let number = process.tick;
        let Some(due) = process.node.due() else { return };
        let late = if self.rng.chance(0.1) { HEARTBEAT / 50 } else { HEARTBEAT / 1000 };
        let lag = self.rng.between(Duration::ZERO, late);
        let process = &self.processes[index];
        let at = process.clock.reaches(due).max(self.now);
        // A machine that wants a tick at once gets it, but time goes on.
        let lag = if due <= shown { lag + Duration::from_nanos(1) } else { lag };
        self.schedule(at + lag, Happening::Tick { process: index, number });
    }

    /// A runtime may find that much has come in before it takes its next turn. A reply is a turn of its own: the observer
    /// looks at what it does.
    fn hear_at_once(&mut self, index: usize, inbox: &mut Vec<Inbound>) {
        if let Node::Runtime(node) = &mut self.processes[index].node
            && self.rng.chance(0.5)
        {
            let rest = inbox.extract_if(.., |inbound| !matches!(inbound.event, Event::Reply { .. }));
            rest.for_each(|inbound| node.hear(inbound.event));
        }
    }
}
