use protocol::{Incarnation, LeadershipId, Lease, NodeState, ObservedLeader};

use super::*;
use crate::runtime::shared::Exit;

fn at(seconds: u64) -> Time {
    Time::from_origin(Duration::from_secs(seconds))
}

/// Published at 0 s and not changed later: a node that leads until 10 s.
fn leading() -> SharedState {
    let mut state = SharedState::new("shop".to_owned(), "a".to_owned(), 7);
    state.node = Some(NodeState {
        role: protocol::Role::Leader,
        registered: true,
        highest_term: Term::new(5),
        leader: None,
        next_leader: None,
        last_end: None,
    });
    state.lease = Some(Lease { term: Term::new(5), since: at(0), deadline: at(10) });
    state.last_reply = Some(at(1));
    state
}

/// The same for a node that follows `b`, whose lease is in force until 10 s.
fn following() -> SharedState {
    let mut state = leading();
    state.lease = None;
    let leadership = LeadershipId { term: Term::new(5), incarnation: Incarnation(2) };
    let node = state.node.as_mut().unwrap();
    node.role = protocol::Role::Follower;
    node.leader = Some(ObservedLeader { id: "b".to_owned(), leadership, seen_at: at(0), expires: at(10) });
    state
}

#[test]
fn a_lease_ends_by_the_clock_whatever_was_published() {
    let status = Status::of(&leading(), at(9));
    assert_eq!((status.role, status.held_term), (Role::Leader, Some(Term::new(5))));
    assert_eq!(status.leader.as_deref(), Some("a"));
    assert_eq!(status.lease_remaining, Some(Duration::from_secs(1)));
    assert_eq!(status.since_last_database_reply, Some(Duration::from_secs(8)));

    let status = Status::of(&leading(), at(10));
    assert_eq!((status.role, status.held_term), (Role::Follower, None));
    assert_eq!((status.leader, status.lease_remaining), (None, None));
    assert_eq!(status.highest_term, Term::new(5));
}

#[test]
fn another_leaders_lease_ends_by_the_clock_too() {
    let status = Status::of(&following(), at(9));
    assert_eq!((status.role, status.leader.as_deref()), (Role::Follower, Some("b")));
    assert_eq!(Status::of(&following(), at(10)).leader, None);
}

#[test]
fn a_candidate_is_one_until_the_end() {
    let mut state = following();
    state.node.as_mut().unwrap().role = protocol::Role::Candidate;
    assert_eq!(Status::of(&state, at(1)).role, Role::Candidate);
    assert_eq!(Status::of(&state, at(1)).leader, None);
    state.exit = Some(Exit::Replaced);
    assert_eq!(Status::of(&state, at(1)).role, Role::Follower);
}

#[test]
fn a_node_that_has_ended_sees_no_leader() {
    let mut state = following();
    state.exit = Some(Exit::Stopped { clean: true });
    let status = Status::of(&state, at(1));
    assert_eq!((status.lifecycle, status.leader), (Lifecycle::Ended, None));
}

#[test]
fn the_lifecycle_follows_what_is_known() {
    let mut state = leading();
    assert_eq!(Status::of(&state, at(1)).lifecycle, Lifecycle::Joined);
    state.node.as_mut().unwrap().registered = false;
    assert_eq!(Status::of(&state, at(1)).lifecycle, Lifecycle::Joining);
    let idle = SharedState::new("shop".to_owned(), "a".to_owned(), 7);
    let status = Status::of(&idle, at(1));
    assert_eq!(
        (status.lifecycle, status.role, status.highest_term),
        (Lifecycle::Idle, Role::Follower, Term::NONE)
    );
    assert_eq!(status.since_last_database_reply, None);
}
