//! The parts of a random sequence. All are relative to what the machine has done, so that a sequence keeps its
//! meaning while it is shrunk.

use proptest::prelude::*;

use super::super::*;
use crate::snapshot::NodeStatus;

/// Something that happens to the machine. Spans are in thousandths of H.
#[derive(Clone, Debug)]
pub enum Action {
    /// Time passes.
    Pass(u32),
    /// Time passes until the machine is due.
    Due,
    /// A notification arrives.
    Wake(u32),
    /// The process is asked to stop.
    Stop,
    /// The step under way is answered.
    Answer(u32, Answer),
    /// An answer to a step that is not, or no longer, under way.
    Stray(u64, Answer),
}

/// A step's reply.
#[derive(Clone, Debug)]
pub enum Answer {
    /// None: it failed.
    Lost,
    /// One that fits the request.
    Fitting(Fitting),
    /// This, whatever the request is.
    Any(Reply),
}

/// The parameters of a reply; each kind uses some of them.
#[derive(Clone, Debug)]
pub struct Fitting {
    /// Whether the database did nothing.
    pub refused: bool,
    /// Whether another process leads under this id.
    pub leading: bool,
    pub count: i64,
    pub rejected: ClaimRejected,
    pub view: View,
}

/// What a snapshot shows.
#[derive(Clone, Debug)]
pub struct View {
    /// It confirms what the machine believes of itself: its row is there, and leads if the machine does.
    pub confirming: bool,
    /// Its own row otherwise.
    pub own: Option<NodeRow>,
    pub others: Vec<NodeRow>,
    pub terms: Vec<TermSpec>,
}

/// A term, counted from one below the highest known.
#[derive(Clone, Debug)]
pub struct TermSpec {
    pub after: i64,
    pub leader: String,
    /// Whether the leader's row has the status leader in that term.
    pub shown: bool,
    pub end_reason: Option<EndReason>,
    pub successor: Option<String>,
}

pub fn action() -> impl Strategy<Value = Action> {
    prop_oneof![
        4 => (0..5000_u32).prop_map(Action::Pass),
        30 => Just(Action::Due),
        6 => (0..300_u32).prop_map(Action::Wake),
        1 => Just(Action::Stop),
        80 => (delay(), answer()).prop_map(|(after, answer)| Action::Answer(after, answer)),
        4 => (0..9_u64, answer()).prop_map(|(token, answer)| Action::Stray(token, answer)),
    ]
}

fn delay() -> impl Strategy<Value = u32> {
    prop_oneof![4 => 0..50_u32, 1 => 0..1000_u32]
}

fn answer() -> impl Strategy<Value = Answer> {
    prop_oneof![
        2 => Just(Answer::Lost),
        16 => fitting().prop_map(Answer::Fitting),
        1 => any_reply().prop_map(Answer::Any),
    ]
}

fn fitting() -> impl Strategy<Value = Fitting> {
    let refused = prop::bool::weighted(0.15);
    (refused, any::<bool>(), 0..6_i64, rejected(), snapshot()).prop_map(
        |(refused, leading, count, rejected, view)| Fitting { refused, leading, count, rejected, view },
    )
}

fn rejected() -> impl Strategy<Value = ClaimRejected> {
    prop_oneof![
        Just(ClaimRejected::IncumbentChanged),
        Just(ClaimRejected::OwnRowChanged),
        Just(ClaimRejected::Raced),
        Just(ClaimRejected::BetterCandidate("a".to_owned())),
    ]
}

fn any_reply() -> impl Strategy<Value = Reply> {
    prop_oneof![
        Just(Reply::Left),
        Just(Reply::TermEnded),
        (0..6_i64).prop_map(claimed),
        (0..6_i64).prop_map(registered),
        Just(Reply::HeartbeatAck { seq: None }),
        Just(Reply::Snapshot(Snapshot::default())),
    ]
}

fn snapshot() -> impl Strategy<Value = View> {
    let own = prop::option::weighted(0.8, node(Just("b")));
    let others = prop::collection::vec(node(prop::sample::select(vec!["a", "c"])), 0..3);
    let terms = prop::collection::vec(term_spec(), 0..3);
    (prop::bool::weighted(0.7), own, others, terms).prop_map(|(confirming, own, others, terms)| View {
        confirming,
        own,
        others,
        terms,
    })
}

fn node(id: impl Strategy<Value = &'static str>) -> impl Strategy<Value = NodeRow> {
    let process = prop_oneof![6 => Just(None), 1 => Just(Some(Incarnation(99)))];
    (id, 0..6_i64, process, prop::bool::weighted(0.9), 0..6000_u64, prop::bool::weighted(0.1)).prop_map(
        |(id, count, other, eligible, age, leads)| {
            let own = row(id, count);
            NodeRow {
                incarnation: other.unwrap_or(own.incarnation),
                eligible,
                heartbeat_age: ms(age),
                status: if leads { NodeStatus::Leader } else { NodeStatus::Follower },
                ..own
            }
        },
    )
}

fn term_spec() -> impl Strategy<Value = TermSpec> {
    let id = || prop::sample::select(vec!["a", "b", "c"]).prop_map(str::to_owned);
    let reason = prop::sample::select(vec![
        EndReason::Resigned,
        EndReason::Transferred,
        EndReason::Lapsed,
        EndReason::Expired,
        EndReason::Replaced,
    ]);
    let shown = prop::bool::weighted(0.8);
    (0..3_i64, id(), shown, prop::option::weighted(0.7, reason), prop::option::weighted(0.2, id())).prop_map(
        |(after, leader, shown, end_reason, successor)| TermSpec {
            after,
            leader,
            shown,
            end_reason,
            successor,
        },
    )
}
