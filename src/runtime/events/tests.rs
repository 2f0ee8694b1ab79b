use protocol::{Incarnation, Role, Term};

use super::*;

fn at(seconds: u64) -> Time {
    Time::from_origin(Duration::from_secs(seconds))
}

fn source() -> EventSource {
    let seconds = Duration::from_secs;
    EventSource::new(Timing::new(seconds(5), seconds(15), seconds(30), 0.1).unwrap())
}

/// The view of a node that follows `b`, whose last renewal it saw at 100 s.
fn following(term: i64) -> NodeState {
    let leadership = LeadershipId { term: Term::new(term), incarnation: Incarnation(2) };
    let leader = ObservedLeader { id: "b".to_owned(), leadership, seen_at: at(100), expires: at(110) };
    NodeState {
        role: Role::Follower,
        registered: true,
        highest_term: Term::new(term),
        leader: Some(leader),
        next_leader: Some("c".to_owned()),
        last_end: Some(protocol::EndedTerm {
            term: Term::new(6),
            leader_id: "z".to_owned(),
            reason: protocol::EndReason::Expired,
        }),
    }
}

fn nobody() -> NodeState {
    NodeState { leader: None, ..following(7) }
}

#[test]
fn a_leadership_of_another_node_is_announced_once_with_the_end_of_the_one_before() {
    let mut source = source();
    let told = source.state(at(101), &following(7), false, true);
    let previous = EndedTerm::new(Term::new(6), "z".to_owned(), EndReason::Expired);
    let event = Event::Following { leader: "b".to_owned(), term: Term::new(7), previous: Some(previous) };
    assert_eq!(told, [event]);
    assert_eq!(source.state(at(102), &following(7), false, true), []);
    assert_eq!(source.state(at(102), &nobody(), false, true), []);
    assert_eq!(
        source.state(at(103), &following(7), false, true),
        [],
        "a lease seen before is not announced again"
    );
    assert_eq!(source.state(at(103), &following(8), false, true).len(), 1);
    // After a leadership of this node's own, the other node's leadership is announced again.
    assert_eq!(source.state(at(104), &nobody(), true, true), []);
    assert_eq!(source.state(at(105), &following(8), false, true).len(), 1);
    // A term that is not over yet is not a previous one.
    let mut early = following(6);
    early.last_end.as_mut().unwrap().term = Term::new(6);
    let told = source.state(at(105), &early, false, true);
    assert!(matches!(&told[..], [Event::Following { previous: None, .. }]), "{told:?}");
}

#[test]
fn a_silent_leader_is_announced_once_an_interval_and_only_after_a_read() {
    let mut source = source();
    drop(source.state(at(101), &following(7), false, true));
    assert_eq!(source.state(at(105), &following(7), false, true), []);
    assert_eq!(source.state(at(106), &following(7), false, false), [], "there may be an unread renewal");
    let told = source.state(at(106), &following(7), false, true);
    let silent = Event::LeaderSilent {
        leader: "b".to_owned(),
        term: Term::new(7),
        silent_for: Duration::from_secs(6),
        lease_left: Duration::from_secs(4),
        next_leader: Some("c".to_owned()),
    };
    assert_eq!(told, [silent]);
    assert_eq!(source.state(at(110), &following(7), false, true), []);
    assert_eq!(source.state(at(111), &following(7), false, true).len(), 1);
}

#[test]
fn a_failure_is_announced_once_for_each_reason_and_again_if_it_lasts() {
    let mut source = source();
    let lease = Lease { term: Term::new(3), since: at(0), deadline: at(20) };
    let told = source.failed(at(11), "connection reset".to_owned(), Some(lease));
    assert_eq!(
        told,
        Some(Event::DatabaseUnreachable {
            reason: "connection reset".to_owned(),
            term: Some(Term::new(3)),
            lease_left: Some(Duration::from_secs(9)),
        })
    );
    assert_eq!(source.failed(at(12), "connection reset".to_owned(), Some(lease)), None);
    let told = source.failed(at(20), "no route".to_owned(), Some(lease));
    assert!(
        matches!(told, Some(Event::DatabaseUnreachable { term: None, lease_left: None, .. })),
        "{told:?}"
    );
    assert_eq!(source.failed(at(40), "connection reset".to_owned(), None), None);
    assert!(source.failed(at(41), "connection reset".to_owned(), None).is_some());
    assert_eq!(source.answered(at(61)), Some(Event::DatabaseReachable { after: Duration::from_secs(50) }));
    assert_eq!(source.answered(at(62)), None);
    assert!(source.failed(at(63), "connection reset".to_owned(), None).is_some(), "another outage");
}

#[test]
fn messages_that_differ_each_time_do_not_fill_the_log() {
    let mut source = source();
    let told = (0..1000).filter_map(|n| source.failed(at(1), format!("error {n}"), None)).count();
    assert_eq!(told, MOST_REASONS);
}

#[test]
fn waiting_for_its_own_id_is_announced_once_until_the_node_has_joined() {
    let mut source = source();
    let waits = || Change::IdHeldByLeader { until: at(9) };
    let told = source.change(at(5), waits(), &nobody());
    assert_eq!(told, Some(Event::IdHeldByLeader { lease_left: Duration::from_secs(4) }));
    assert_eq!(source.change(at(6), waits(), &nobody()), None);
    assert!(source.change(at(9), Change::Joined { taken_over: true, again: false }, &nobody()).is_some());
    assert!(source.change(at(9), waits(), &nobody()).is_some());
}
