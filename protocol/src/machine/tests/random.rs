//! Any events in any order: what must hold after each.

use super::*;

struct Chance(Jitter);

impl Chance {
    /// A number below this.
    fn below(&mut self, bound: u64) -> u64 {
        let nanos = self.0.between(Duration::ZERO, Duration::from_nanos(bound)).as_nanos();
        u64::try_from(nanos).unwrap().min(bound - 1)
    }

    fn one_in(&mut self, bound: u64) -> bool {
        self.below(bound) == 0
    }

    fn small(&mut self) -> i64 {
        self.below(6).try_into().unwrap()
    }

    /// A look, mostly one that makes sense.
    fn view(&mut self, machine: &Machine) -> Snapshot {
        let newest = machine.highest_term.get() + self.small() / 5;
        let mut rows = view();
        let leads = self.below(6);
        for (number, id) in (0..).zip(["a", "b", "c"]) {
            if self.one_in(8) {
                continue;
            }
            let mut row = if leads == number && !self.one_in(8) {
                leader(id, newest, self.small())
            } else {
                row(id, self.small())
            };
            if self.one_in(30) {
                row.incarnation = Incarnation(99);
            }
            row.eligible = !self.one_in(20);
            rows = rows.node(row);
            if leads == number {
                rows = rows.open(newest, id);
            }
        }
        if leads >= 3 && newest > 0 {
            rows = rows.ended(newest, "a", EndReason::Expired);
        }
        rows.into()
    }

    fn reply(&mut self, machine: &Machine, request: &Request) -> Reply {
        match request {
            Request::Register { .. } if self.one_in(3) => {
                Reply::IdTaken { incarnation: Incarnation(99), leading: self.one_in(2) }
            }
            Request::Register { .. } => registered(self.small()),
            Request::Heartbeat { seq_floor, .. } => {
                Reply::HeartbeatAck { seq: (!self.one_in(5)).then_some(seq_floor.next()) }
            }
            Request::Observe { .. } => Reply::Snapshot(self.view(machine)),
            Request::Claim(_) if self.one_in(4) => Reply::ClaimRejected(ClaimRejected::IncumbentChanged),
            Request::Claim(claim) => Reply::Claimed { term: claim.min_term.next().unwrap() },
            Request::EndTerm { .. } => Reply::TermEnded,
            Request::Leave { .. } => Reply::Left,
            Request::Cleanup { .. } => Reply::Cleaned { nodes: 1, terms: 0 },
        }
    }

    /// The next moment and what happens at it.
    fn next(&mut self, now: Time, machine: &Machine) -> (Time, Event) {
        let heartbeat = machine.timing.heartbeat_interval();
        let due = machine.due().unwrap_or(now);
        match self.below(20) {
            0 => (now + self.0.between(Duration::ZERO, 5 * heartbeat), Event::Tick),
            1 => (now + self.0.between(Duration::ZERO, heartbeat / 3), Event::Wake),
            2 => (now, Event::Reply { token: self.below(9), reply: None }),
            3 if self.one_in(20) => (now, Event::Stop),
            3..=14 if machine.in_flight.is_some() => {
                let step = machine.in_flight.clone().unwrap();
                let reply = (!self.one_in(8)).then(|| self.reply(machine, &step.request));
                let slowest = if self.one_in(4) { heartbeat } else { heartbeat / 20 };
                let at = now + self.0.between(Duration::ZERO, slowest);
                (at, Event::Reply { token: step.token, reply })
            }
            _ => (due.max(now), Event::Tick),
        }
    }
}

/// What must hold after each event.
fn check(now: Time, machine: &Machine, out: &[Command], token: u64, term: Term) {
    let heartbeat = machine.timing.heartbeat_interval();
    let sends: Vec<_> = out.iter().filter(|command| matches!(command, Command::Send { .. })).collect();
    assert!(sends.len() <= 1, "one step at a time");
    for command in out {
        match command {
            Command::Send { token: sent, limit, .. } => {
                assert!(*sent > token, "tokens increase");
                assert!(*limit > Duration::ZERO, "every step has some time");
                assert_eq!(machine.in_flight.as_ref().map(|step| step.token), Some(*sent));
            }
            Command::Announce(Change::BecameLeader { term: led, .. }) => {
                assert!(*led > term, "every leadership has a term of its own");
            }
            _ => {}
        }
    }
    match machine.due() {
        None => assert_eq!(machine.phase, Phase::Ended),
        Some(due) => assert!(due > now, "nothing is left to be done now"),
    }
    if let Some(lease) = machine.lease {
        assert!(now < lease.deadline, "a lease ends by the clock");
        assert!(machine.phase == Phase::Joined && machine.unheld.is_none());
        assert!(machine.due() <= Some(lease.deadline));
        let renewing =
            matches!(&machine.in_flight, Some(InFlight { request: Request::Heartbeat { .. }, .. }));
        let in_time = machine.heartbeat_at < lease.deadline;
        // Where the last attempt failed right before the deadline there is none left.
        let too_late = lease.deadline.since(now) <= heartbeat / 4;
        assert!(renewing || in_time || too_late, "a renewal is due before the deadline");
        if let Some(step) = machine.in_flight.as_ref().filter(|_| !renewing) {
            assert!(step.until <= machine.heartbeat_at, "nothing keeps a renewal waiting");
        }
    }
}

#[test]
fn whatever_happens_the_machine_keeps_to_its_rules() {
    let day = Duration::from_secs(24 * 3600);
    let settings = [
        timing(),
        Timing::new(ms(10), ms(30), ms(60), 0.1).unwrap(),
        Timing::new(61 * day, 183 * day, 366 * day, 0.1).unwrap(),
    ];
    let mut led = 0;
    for (seed, timing) in (0..900).zip(settings.into_iter().cycle()) {
        let mut chance = Chance(Jitter::new(seed));
        let mut machine = Probe::new().0;
        machine.timing = timing;
        let (mut now, mut term, mut history) = (at(0), Term::NONE, Vec::new());
        let mut stopped: Option<Time> = None;
        for _ in 0..300 {
            let token = machine.token;
            let (at, event) = chance.next(now, &machine);
            now = at;
            if event == Event::Stop && stopped.is_none() {
                stopped = Some(now);
            }
            let out = machine.handle(now, event.clone());
            history.push((now, event, out.clone()));
            let result = std::panic::catch_unwind(|| check(now, &machine, &out, token, term));
            assert!(result.is_ok(), "seed {seed}: {machine:#?}\n{:#?}", &history[history.len().max(6) - 6..]);
            for command in out {
                if let Command::Announce(Change::BecameLeader { term: new, .. }) = command {
                    (term, led) = (new, led + 1);
                }
            }
            if let Some(stopped) = stopped.filter(|stopped| now >= *stopped + timing.stop_limit()) {
                assert_eq!(machine.phase, Phase::Ended, "seed {seed}: stopped at {stopped:?}, now {now:?}");
            }
        }
    }
    assert!(led > 500, "only {led} leaderships: nothing much was tried");
}
