use std::time::Duration;

use protocol::Role as NodeRole;

use super::*;

const TERM: Term = Term::new(4);

fn leading() -> NodeState {
    NodeState {
        role: NodeRole::Leader,
        registered: true,
        highest_term: TERM,
        leader: None,
        next_leader: None,
        last_end: None,
    }
}

/// The publishing end of a node that leads, with hooks.
fn outlets()
-> (Outlets, watch::Receiver<SharedState>, broadcast::Receiver<Event>, mpsc::UnboundedReceiver<RoleChange>) {
    let (mut outlets, state, events) = Outlets::new(SharedState::new("e".to_owned(), "a".to_owned(), 0));
    let (changes, told) = mpsc::unbounded_channel();
    outlets.send_to_hooks(changes);
    let deadline = Time::from_origin(Duration::MAX);
    outlets.publish(leading(), Some(Lease { term: TERM, since: Time::default(), deadline }), None);
    outlets.announce(Event::BecameLeader { term: TERM, leaderless: None, previous: None });
    (outlets, state, events, told)
}

fn roles(told: &mut mpsc::UnboundedReceiver<RoleChange>) -> Vec<(Role, Option<LossReason>)> {
    std::iter::from_fn(|| told.try_recv().ok()).map(|change| (change.role, change.reason)).collect()
}

#[test]
fn however_a_leaders_loop_ends_its_leadership_is_withdrawn_and_the_hooks_run() {
    let crash = Exit::Crashed("a bug".to_owned());
    let ends: [(fn(Outlets), Exit); 2] = [
        (|outlets| outlets.end(Exit::Crashed("a bug".to_owned())), crash),
        (drop, Exit::Crashed("its thread ended without reporting why".to_owned())),
    ];
    for (end, exit) in ends {
        let (outlets, state, mut events, mut told) = outlets();
        end(outlets);
        assert_eq!(state.borrow().lease, None);
        assert_eq!(state.borrow().exit, Some(exit));
        let lost = (Role::Follower, Some(LossReason::Crashed));
        assert_eq!(roles(&mut told), [(Role::Leader, None), lost]);
        let names: Vec<_> = std::iter::from_fn(|| events.try_recv().ok()).map(|event| event.name()).collect();
        assert_eq!(names, ["became_leader", "lost_leadership", "crashed"]);
    }
}

#[test]
fn only_the_first_end_counts_and_a_loss_is_announced_once() {
    let (outlets, state, _events, mut told) = outlets();
    outlets.publish(leading(), None, None);
    outlets.announce(Event::LostLeadership { term: TERM, reason: LossReason::ShuttingDown });
    outlets.end(Exit::Stopped { clean: true });
    outlets.end(Exit::Replaced);
    drop(outlets);
    assert_eq!(state.borrow().exit, Some(Exit::Stopped { clean: true }));
    assert_eq!(roles(&mut told), [(Role::Leader, None), (Role::Follower, Some(LossReason::ShuttingDown))]);
}

#[test]
fn only_a_change_wakes_a_watcher_of_the_state() {
    let (outlets, mut state, _events, _told) = outlets();
    let lease = state.borrow_and_update().lease;
    outlets.publish(leading(), lease, None);
    assert!(!state.has_changed().unwrap());
    outlets.publish(leading(), None, None);
    assert!(state.has_changed().unwrap());
}

#[test]
#[should_panic(expected = "announced before it was withdrawn")]
fn a_loss_must_not_be_announced_before_it_is_published() {
    let (outlets, ..) = outlets();
    outlets.announce(Event::LostLeadership { term: TERM, reason: LossReason::Lapsed });
}
