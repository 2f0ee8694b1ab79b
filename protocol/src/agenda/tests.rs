use super::*;
use crate::fixtures::{at, ms, timing};
use crate::term::HeartbeatSeq;

const ALL: [Duty; 7] = [
    Duty::Register,
    Duty::AwaitRow,
    Duty::Follow,
    Duty::Lead { deadline: at(9000) },
    Duty::EndTerm { term: Term::new(1), reason: EndReason::Lapsed },
    Duty::Leave { until: at(9000) },
    Duty::Nothing,
];

fn agenda() -> Agenda {
    Agenda::new(at(0), Incarnation(1))
}

fn before(time: Time) -> Time {
    Time::from_origin(time.since_origin() - ms(1))
}

#[test]
fn what_is_due_is_what_comes_next() {
    for duty in ALL {
        for (heartbeat, poll, cleanup, retry) in
            [(10, 20, 30, 0), (400, 10, 30, 0), (400, 10, 30, 50), (400, 300, 20, 0), (400, 20, 20, 20)]
        {
            let mut agenda = agenda();
            agenda.heartbeat(at(heartbeat));
            agenda.poll(at(poll));
            agenda.clean_up_at(at(cleanup));
            agenda.retry(at(retry));
            let Some(due) = agenda.due(duty) else {
                assert_eq!(duty, Duty::Nothing);
                assert_eq!(agenda.next(at(9000), duty, &timing()), None);
                continue;
            };
            if due > at(0) {
                assert_eq!(agenda.clone().next(before(due), duty, &timing()), None, "{duty:?}");
            }
            assert!(agenda.next(due, duty, &timing()).is_some(), "{duty:?}");
        }
    }
}

#[test]
fn nothing_else_is_due_while_a_step_is_under_way() {
    for duty in ALL {
        let mut agenda = agenda();
        agenda.send(at(0), Request::Observe { terms: Vec::new() }, ms(500));
        assert_eq!(agenda.next(at(100), duty, &timing()), None);
        assert_eq!(agenda.due(duty), (duty != Duty::Nothing).then_some(at(500)));
    }
}

#[test]
fn a_failure_count_at_its_highest_stays_there() {
    let mut agenda = agenda();
    agenda.failures = u32::MAX;
    let heartbeat =
        Request::Heartbeat { belief: crate::message::Belief::Follower, seq_floor: HeartbeatSeq::ZERO };
    agenda.note_failure(at(0), &heartbeat, false, &timing());
    assert_eq!(agenda.failures, u32::MAX);
    assert!((at(500)..=at(1000)).contains(&agenda.heartbeat_at));
}
