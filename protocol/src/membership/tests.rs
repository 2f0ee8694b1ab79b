use super::*;

#[test]
fn a_heartbeat_counter_at_its_highest_stays_there() {
    let mut membership = Membership::new();
    let highest = HeartbeatSeq::new(i64::MAX);
    membership.note_seq(highest);
    assert_eq!((membership.take_seq(), membership.take_seq()), (highest, highest));
}

#[test]
fn no_heartbeat_counter_is_given_out_twice_and_an_earlier_one_seen_changes_nothing() {
    let mut membership = Membership::new();
    membership.note_seq(HeartbeatSeq::new(4));
    assert_eq!(membership.take_seq(), HeartbeatSeq::new(4));
    membership.note_seq(HeartbeatSeq::new(2));
    assert_eq!(membership.take_seq(), HeartbeatSeq::new(5));
}
