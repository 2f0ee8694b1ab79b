//! The steps of a sequence. All are relative to what the processes have read, so that a sequence keeps its meaning
//! while it is shrunk.

use std::time::Duration;

use proptest::prelude::*;
use protocol::EndReason;

/// The ids, the best-ranked last.
pub const IDS: [&str; 3] = ["a", "b", "c"];
/// Two processes of every id, each with a connection of its own.
pub const PROCESSES: usize = 2 * IDS.len();

#[derive(Clone, Debug)]
pub enum Step {
    /// A process sends a request.
    Ask(Who, RequestSpec),
    /// Two processes send a request at the same moment. The effect must be as if one had come after the other.
    AtOnce([(Who, RequestSpec); 2]),
    /// A person changes rows.
    ByHand(ManualEdit),
}

/// A process.
#[derive(Clone, Copy, Debug)]
pub enum Who {
    Any(usize),
    /// The process that an id's row belongs to.
    HolderOf(usize),
    /// The process that the open term belongs to.
    Leader,
}

#[derive(Clone, Debug)]
pub enum RequestSpec {
    /// Inserts the row, or with `true` takes over the row that was last read.
    Register(bool),
    /// `beats` is relative to the count of its own row; below zero the heartbeat is late.
    Heartbeat {
        term: Option<TermRef>,
        candidate: bool,
        beats: i64,
    },
    Observe(Vec<TermRef>),
    Claim {
        on: Basis,
        known: [PeerOpinion; IDS.len()],
        floor: i64,
        beats: i64,
    },
    EndTerm(TermRef, EndReason),
    Leave(Option<EndReason>),
    /// It is two statements, so it is never one of two at once.
    Cleanup,
}

/// A term.
#[derive(Clone, Copy, Debug)]
pub enum TermRef {
    /// The open term, or else the newest, as the tables are now.
    Newest,
    /// The same, as the process last read it.
    Read,
    /// The term this many before the newest.
    Before(i64),
}

/// The rows that a claim relies on.
#[derive(Clone, Copy, Debug)]
pub enum Basis {
    /// The tables as they are now.
    Now,
    /// What the process last read.
    Read,
}

/// What the claiming node knows about another.
#[derive(Clone, Copy, Debug)]
pub enum PeerOpinion {
    /// It has never seen that node.
    Unseen,
    Live,
    Dead,
    Skipped,
}

#[derive(Clone, Debug)]
pub enum ManualEdit {
    DeleteNode(usize),
    /// Sets its last heartbeat to this many seconds ago.
    Age(usize, u32),
    Eligible(usize, bool),
    Priority(usize, i32),
    /// The term this many before the newest. The newest is never deleted; the database refuses that.
    DeleteTerm(i64),
    /// Sets the next leader.
    Successor(usize),
    /// Ends the term while the row keeps the status leader.
    CloseTerm,
    /// Sets the row's status to follower while the term is open.
    Demote,
}

/// T in every case; heartbeats are much younger or much older.
pub const TIMEOUT: Duration = Duration::from_secs(60);
/// The age from which a cleanup deletes.
pub const STALE: Duration = Duration::from_secs(200);
/// Ages in seconds: younger than T, older, and old enough for a cleanup.
const AGES: [u32; 4] = [30, 100, 1000, 1000];

pub fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        20 => (who(), request_spec()).prop_map(|(who, request_spec)| Step::Ask(who, request_spec)),
        // A process that is new, or that was replaced.
        4 => (0..PROCESSES, any::<bool>())
            .prop_map(|(process, take_over)| Step::Ask(Who::Any(process), RequestSpec::Register(take_over))),
        4 => (who(), Just(RequestSpec::Cleanup)).prop_map(|(who, request_spec)| Step::Ask(who, request_spec)),
        5 => (who(), request_spec(), who(), request_spec()).prop_map(|(one, first, other, second)| {
            Step::AtOnce([(one, first), (other, second)])
        }),
        4 => edit().prop_map(Step::ByHand),
    ]
}

fn who() -> impl Strategy<Value = Who> {
    prop_oneof![
        2 => (0..PROCESSES).prop_map(Who::Any),
        5 => (0..IDS.len()).prop_map(Who::HolderOf),
        2 => Just(Who::Leader),
    ]
}

fn request_spec() -> impl Strategy<Value = RequestSpec> {
    let reason = prop_oneof![
        Just(EndReason::Resigned),
        Just(EndReason::Lapsed),
        Just(EndReason::Transferred),
        Just(EndReason::Preempted),
        Just(EndReason::Replaced),
        Just(EndReason::Expired),
    ];
    let low = || prop_oneof![6 => Just(0_i64), 1 => 0..12_i64];
    let beats = || prop_oneof![7 => Just(0_i64), 1 => -3..0_i64, 1 => 1..4_i64];
    let opinion = prop_oneof![
        2 => Just(PeerOpinion::Unseen),
        1 => Just(PeerOpinion::Live),
        1 => Just(PeerOpinion::Dead),
        3 => Just(PeerOpinion::Skipped),
    ];
    let basis = prop_oneof![3 => Just(Basis::Now), 1 => Just(Basis::Read)];
    let known = [opinion.clone(), opinion.clone(), opinion];
    prop_oneof![
        3 => any::<bool>().prop_map(RequestSpec::Register),
        8 => (proptest::option::weighted(0.6, term_ref()), any::<bool>(), beats())
            .prop_map(|(term, candidate, beats)| RequestSpec::Heartbeat { term, candidate, beats }),
        5 => proptest::collection::vec(term_ref(), 0..3).prop_map(RequestSpec::Observe),
        9 => (basis, known, low(), beats())
            .prop_map(|(on, known, floor, beats)| RequestSpec::Claim { on, known, floor, beats }),
        2 => (term_ref(), reason.clone()).prop_map(|(term, reason)| RequestSpec::EndTerm(term, reason)),
        1 => proptest::option::of(reason).prop_map(RequestSpec::Leave),
    ]
}

fn term_ref() -> impl Strategy<Value = TermRef> {
    prop_oneof![
        6 => Just(TermRef::Newest),
        3 => Just(TermRef::Read),
        1 => (1..4_i64).prop_map(TermRef::Before),
    ]
}

fn edit() -> impl Strategy<Value = ManualEdit> {
    let id = || 0..IDS.len();
    prop_oneof![
        2 => id().prop_map(ManualEdit::DeleteNode),
        4 => (id(), prop::sample::select(&AGES[..])).prop_map(|(id, age)| ManualEdit::Age(id, age)),
        2 => (id(), any::<bool>()).prop_map(|(id, eligible)| ManualEdit::Eligible(id, eligible)),
        2 => (id(), -1..3_i32).prop_map(|(id, priority)| ManualEdit::Priority(id, priority)),
        1 => (1..4_i64).prop_map(ManualEdit::DeleteTerm),
        2 => id().prop_map(ManualEdit::Successor),
        1 => Just(ManualEdit::CloseTerm),
        1 => Just(ManualEdit::Demote),
    ]
}
