use super::*;
use crate::fixtures::{at, ms};

#[test]
fn each_failed_claim_doubles_the_pause_up_to_four_times_the_first() {
    let mut candidacy = Candidacy::new(at(0));
    for pause in [100, 200, 400, 400] {
        candidacy.campaign_from = at(0);
        candidacy.back_off(at(0), ms(100));
        assert_eq!(candidacy.campaign_from, at(pause));
    }
    candidacy.reset_back_off();
    candidacy.campaign_from = at(0);
    candidacy.back_off(at(0), ms(100));
    assert_eq!(candidacy.campaign_from, at(100));
}

#[test]
fn a_count_of_failed_claims_at_its_highest_stays_there() {
    let mut candidacy = Candidacy::new(at(0));
    candidacy.failed_claims = u32::MAX;
    candidacy.back_off(at(0), ms(100));
    assert_eq!((candidacy.failed_claims, candidacy.campaign_from), (u32::MAX, at(400)));
}

#[test]
fn no_pause_shortens_another() {
    let mut candidacy = Candidacy::new(at(0));
    candidacy.back_off(at(0), ms(1000));
    candidacy.wait_until(at(300));
    assert_eq!(candidacy.campaign_from, at(1000));
}
