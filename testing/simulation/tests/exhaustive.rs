//! The exhaustive check, within bounds that every test run can afford.

use simulation::exhaustive::{Bounds, Small};
use simulation::mutation::Mutation;
use stateright::{Checker, HasDiscoveries, Model};

#[test]
fn no_behaviour_of_the_small_configuration_breaks_a_promise() {
    let checker = Small::new(Bounds::SMALL, None).checker().threads(2).spawn_dfs().join();
    println!(
        "{:?}: {} states, {} unique",
        Bounds::SMALL,
        checker.state_count(),
        checker.unique_state_count()
    );
    checker.assert_properties();
    assert!(checker.is_done());
}

#[test]
fn a_claim_that_does_not_read_again_is_found() {
    assert!(finds_two_leaders(Mutation::ClaimUnchecked));
}

#[test]
fn clocks_that_differ_by_more_than_the_setting_are_found() {
    assert!(finds_two_leaders(Mutation::DriftBeyondSetting));
}

fn finds_two_leaders(mutation: Mutation) -> bool {
    let small = Small::new(Bounds::SMALL, Some(mutation));
    let wanted = HasDiscoveries::AnyOf([Small::AT_MOST_ONE].into());
    let checker = small.checker().finish_when(wanted).spawn_dfs().join();
    checker.discovery(Small::AT_MOST_ONE).is_some()
}
