//! Every behaviour of a small configuration, over the same protocol code.
//!
//! Time advances in steps, for all nodes at once. Within a step messages arrive one after the other, including
//! replies and the messages that follow from them, unless the adversary intervenes. It may hold a message back until
//! the others of this step have arrived or until the next step, lose it, crash its process just before it arrives, or
//! set the database's clock; each a limited number of times (Emmi, Qadeer, Rakamaric, "Delay-bounded scheduling",
//! POPL 2011). Every way of doing that is tried. The first leader's clock is as slow as the setting allows, the
//! others' as fast: there is no slack in the lease.

use std::time::Duration;

use protocol::{Command, Event, Incarnation, LocalNode, Machine, Reply, Request, Term, Time, Timing};
use stateright::{Model, Property};

use crate::database::{Database, DatabaseTime, NodeIdentity};
use crate::mutation::Mutation;

/// A fast clock shows 110 ms in one step, a slow one 100 ms; H is two fast steps, G four.
const FAST: Duration = Duration::from_millis(110);
const SLOW: Duration = Duration::from_millis(100);

/// The bounds of the search.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Bounds {
    /// How many steps of time there are.
    pub steps: u8,
    /// How many processes may crash.
    pub crashes: u8,
    /// How many messages may be lost, requests or replies.
    pub losses: u8,
    /// How often the database's clock may jump.
    pub jumps: u8,
    /// How often a message may be held back. A request's sender gives up after one step, a claim's after two.
    pub delays: u8,
}

impl Bounds {
    /// Bounds that fit into every test run.
    pub const SMALL: Bounds = Bounds { steps: 8, crashes: 2, losses: 1, jumps: 1, delays: 1 };
    /// Bounds for a long run.
    pub const LARGE: Bounds = Bounds { steps: 8, crashes: 2, losses: 1, jumps: 1, delays: 2 };
}

/// Three nodes, of which the first has just become leader.
#[derive(Clone, Debug)]
pub struct Small {
    bounds: Bounds,
    /// What the first leader's clock shows in one step.
    slow: Duration,
    identities: Vec<NodeIdentity>,
    start: State,
}

/// The whole system at one moment.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct State {
    step: u8,
    machines: Vec<Option<Machine>>,
    database: Database,
    database_clock: DatabaseTime,
    on_the_way: Vec<Message>,
    /// The message that arrives next.
    turn: usize,
    delays: u8,
    crashes: u8,
    losses: u8,
    jumps: u8,
    /// The terms of committed claims, and the rule that one of them broke.
    granted: Vec<Term>,
    shared: bool,
}

#[derive(Clone, PartialEq, Eq, Hash, Debug)]
struct Message {
    process: usize,
    token: u64,
    content: Content,
}

#[derive(Clone, PartialEq, Eq, Hash, Debug)]
enum Content {
    Request(Request),
    Reply(Reply),
}

/// The next action.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Action {
    /// The next message arrives.
    Arrive,
    /// It is lost.
    Lose,
    /// It waits until the others of this step have arrived.
    Later,
    /// It waits until the next step.
    Wait,
    /// The process it is from, or to, crashes.
    Crash,
    /// The database's clock jumps by this many seconds.
    Jump(i64),
    /// Time goes on.
    Step,
}

impl Small {
    /// The promise that matters most.
    pub const AT_MOST_ONE: &str = "at most one leader";
    /// Not a promise, but a sign that the search gets somewhere.
    pub const REACHED: &str = "another leader";

    /// The configuration, with its first leader in office.
    pub fn new(bounds: Bounds, mutation: Option<Mutation>) -> Self {
        let slow = if mutation == Some(Mutation::DriftBeyondSetting) { SLOW * 9 / 10 } else { SLOW };
        #[expect(clippy::expect_used, reason = "H = 2, T = 6 fast steps are within the bounds")]
        let timing = Timing::new(2 * FAST, 6 * FAST, 12 * FAST, 0.1).expect("timing within their bounds");
        let identity = |number: u8| NodeIdentity {
            id: format!("n{number}"),
            incarnation: Incarnation(u128::from(number) + 1),
            priority: 3 - i32::from(number),
            eligible: true,
            lease: timing.lease_duration(),
        };
        let identities: Vec<_> = (0..3).map(identity).collect();
        let machines = identities.iter().enumerate().map(|(process, identity)| {
            let node = LocalNode { id: identity.id.clone(), incarnation: identity.incarnation };
            Some(Machine::new(local(slow, process, 0), node, timing))
        });
        let mut start = State {
            step: 0,
            machines: machines.collect(),
            database: Database::new(10, mutation),
            database_clock: 0,
            on_the_way: Vec::new(),
            turn: 0,
            delays: 0,
            crashes: 0,
            losses: 0,
            jumps: 0,
            granted: Vec::new(),
            shared: false,
        };
        let small = Self { bounds, slow, identities, start: start.clone() };
        // Until the first leader has been seen by everybody, every message arrives at once.
        for process in 0..3 {
            small.handle(&mut start, process, Event::Tick);
        }
        loop {
            while !start.on_the_way.is_empty() {
                small.arrive(&mut start);
            }
            if start
                .machines
                .iter()
                .flatten()
                .all(|machine| machine.outlook(local(slow, 1, start.step)).highest_term == Term::new(1))
            {
                break;
            }
            small.advance(&mut start);
        }
        let steps = bounds.steps + start.step;
        Self { bounds: Bounds { steps, ..bounds }, start, ..small }
    }

    fn leaders(&self, state: &State) -> usize {
        let leads = |(process, machine): (usize, &Option<Machine>)| {
            let lease = machine.as_ref().and_then(Machine::lease);
            lease.is_some_and(|lease| local(self.slow, process, state.step) < lease.deadline)
        };
        state.machines.iter().enumerate().filter(|entry| leads(*entry)).count()
    }

    fn arrive(&self, state: &mut State) {
        let message = state.on_the_way.remove(state.turn);
        let process = message.process;
        match message.content {
            Content::Request(request) => {
                let now = state.database_clock + i64::from(state.step) * 100_000;
                let reply = state.database.perform(now, &self.identities[process], &request);
                if let Reply::Claimed { term } = reply {
                    state.shared |= state.granted.last().is_some_and(|last| *last >= term);
                    state.granted.push(term);
                }
                if state.machines[process].is_some() {
                    let content = Content::Reply(reply);
                    state.on_the_way.push(Message { content, ..message });
                }
            }
            Content::Reply(reply) => {
                self.handle(state, process, Event::Reply { token: message.token, reply: Some(reply) });
            }
        }
    }

    fn advance(&self, state: &mut State) {
        state.step += 1;
        state.turn = 0;
        for process in 0..state.machines.len() {
            let now = local(self.slow, process, state.step);
            if state.machines[process]
                .as_ref()
                .is_some_and(|machine| machine.due().is_some_and(|at| at <= now))
            {
                self.handle(state, process, Event::Tick);
            }
        }
        state.on_the_way.sort_by_key(|message| (message.process, message.token));
    }

    fn handle(&self, state: &mut State, process: usize, event: Event) {
        let now = local(self.slow, process, state.step);
        let Some(machine) = &mut state.machines[process] else { return };
        for command in machine.handle(now, event) {
            match command {
                Command::Send { token, request, .. } => {
                    let content = Content::Request(request);
                    state.on_the_way.push(Message { process, token, content });
                }
                Command::Announce(_) => {}
                Command::End(_) => state.machines[process] = None,
            }
            if state.machines[process].is_none() {
                return;
            }
        }
    }
}

impl Model for Small {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        vec![self.start.clone()]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        let Some(message) = state.on_the_way.get(state.turn) else {
            if state.step < self.bounds.steps {
                actions.push(Action::Step);
                if state.jumps < self.bounds.jumps {
                    actions.extend([Action::Jump(-1000), Action::Jump(1000)]);
                }
            }
            return;
        };
        actions.push(Action::Arrive);
        if state.losses < self.bounds.losses {
            actions.push(Action::Lose);
        }
        if state.delays < self.bounds.delays {
            actions.extend([Action::Later, Action::Wait]);
        }
        if state.crashes < self.bounds.crashes && state.machines[message.process].is_some() {
            actions.push(Action::Crash);
        }
    }

    fn next_state(&self, before: &State, action: Action) -> Option<State> {
        let mut state = before.clone();
        match action {
            Action::Arrive => self.arrive(&mut state),
            Action::Lose => {
                state.on_the_way.remove(state.turn);
                state.losses += 1;
            }
            Action::Later => {
                let message = state.on_the_way.remove(state.turn);
                state.on_the_way.push(message);
                state.delays += 1;
            }
            Action::Wait => {
                state.turn += 1;
                state.delays += 1;
            }
            Action::Crash => {
                let process = state.on_the_way[state.turn].process;
                state.machines[process] = None;
                let turn = state.turn;
                let mut index = 0;
                state.on_the_way.retain(|message| {
                    index += 1;
                    let reply = message.process == process && matches!(message.content, Content::Reply(_));
                    state.turn -= usize::from(reply && index <= turn);
                    !reply
                });
                state.crashes += 1;
            }
            Action::Jump(seconds) => {
                state.database_clock += seconds * 1_000_000;
                state.jumps += 1;
            }
            Action::Step => self.advance(&mut state),
        }
        Some(state)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::always(Small::AT_MOST_ONE, |small: &Small, state| small.leaders(state) <= 1),
            Property::always("every term is given once, each higher than the last", |_, state: &State| {
                !state.shared
            }),
            Property::sometimes(Small::REACHED, |small: &Small, state: &State| {
                state.granted.len() > 1 && small.leaders(state) == 1
            }),
        ]
    }
}

/// What a process's clock shows after so many steps.
fn local(slow: Duration, process: usize, step: u8) -> Time {
    let pace = if process == 0 { slow } else { FAST };
    Time::from_origin(Duration::from_secs(10) + pace * u32::from(step))
}
