//! The store's contracts, run on each database.

mod claiming;
mod cleaning;
mod ending;
pub(super) mod fixture;
mod heartbeating;
mod observing;
mod races;
mod reading;
mod registering;
#[cfg(feature = "postgres")]
mod round_trips;
#[cfg(feature = "postgres")]
mod server;
#[cfg(feature = "postgres")]
mod transactions;

use self::fixture::Fixture;
use super::Store;

/// Makes each contract a test on each database, such as `postgres::a_first_claim_opens_term_one`.
macro_rules! contracts {
    ($($group:ident { $($contract:ident)+ })+) => {
        #[cfg(feature = "postgres")]
        mod postgres {
            $($(
                #[tokio::test]
                async fn $contract() {
                    super::$group::$contract(super::Fixture::postgres().await).await;
                }
            )+)+
        }

        #[cfg(feature = "sqlite")]
        mod sqlite {
            $($(
                #[tokio::test]
                async fn $contract() {
                    super::$group::$contract(super::Fixture::sqlite().await).await;
                }
            )+)+
        }
    };
}

contracts! {
    registering {
        a_new_node_is_a_follower
        a_process_that_registers_again_finds_its_own_row
        the_id_of_another_process_is_taken
        a_new_process_takes_a_followers_row_over
        of_two_takers_one_wins
        a_takeover_of_a_dead_leaders_row_ends_its_term
        a_takeover_of_a_leader_that_renewed_gives_up
        a_takeover_of_a_follower_that_leads_by_now_gives_up
        a_takeover_of_a_row_that_has_gone_makes_one
        a_registration_that_arrives_after_a_takeover_changes_nothing
        a_registration_that_arrives_after_the_deregistration_does_no_harm
    }
    heartbeating {
        a_heartbeat_counts_up_and_writes_candidate
        a_heartbeat_is_bound_to_incarnation_and_status
        a_renewal_is_bound_to_its_term_being_open
        a_renewal_of_an_earlier_term_renews_nothing
        a_heartbeat_writes_the_count_it_was_given
        a_heartbeat_that_arrives_after_a_later_one_does_nothing
        a_heartbeat_of_a_row_deleted_by_hand_is_none
        every_sign_of_life_stamps_the_row
    }
    claiming {
        a_first_claim_opens_term_one
        a_claim_ends_the_term_that_ran_out
        a_claim_against_a_moved_version_gives_up
        a_claim_before_a_better_node_gives_up
        a_claim_of_a_node_without_its_row_gives_up
        a_leader_claims_no_second_term
        a_leaders_row_deleted_by_hand_does_not_stop_the_next_claim
        a_row_with_status_leader_without_a_term_is_demoted
        terms_go_on_after_every_node_row_was_deleted
        a_claim_goes_above_its_floor
        a_leadership_begins_in_a_version_of_its_own
        a_claim_that_arrives_after_a_later_heartbeat_gives_up
        a_claim_goes_above_every_node_rows_term
        the_newest_term_cannot_be_deleted
        elections_do_not_affect_each_other
    }
    races {
        of_two_claims_at_once_one_wins
        either_the_claim_or_the_renewal_wins
        either_the_claim_or_the_takeover_wins
        either_the_claim_or_the_takeover_of_the_leader_wins
        many_nodes_at_once_do_not_block_each_other
    }
    ending {
        a_term_ends_once
        the_end_of_a_term_is_bound_to_it_and_to_its_process
        its_own_row_is_demoted_if_the_terms_row_is_gone
        its_own_term_ends_if_the_row_is_gone
        a_leader_that_leaves_takes_its_row_and_ends_its_term
        a_follower_that_leaves_takes_only_its_row
        a_leader_that_leaves_as_a_follower_takes_its_row_and_ends_its_term
        leaving_is_bound_to_the_process
    }
    cleaning {
        rows_without_a_heartbeat_are_deleted
        a_row_just_short_of_the_age_stays
        leaders_and_its_own_row_stay_at_any_age
        the_newest_terms_are_kept
        an_open_term_stays_although_it_is_old
        other_elections_are_left_alone
        a_cleanup_deletes_a_bounded_number_of_rows
    }
    observing {
        a_snapshot_shows_few_rows_of_many
        a_snapshot_shows_each_row_once
        a_snapshot_shows_the_requested_terms
        the_best_rows_are_the_best_by_the_rules
        a_row_from_the_future_counts_as_new
    }
    reading {
        the_live_nodes_are_read_best_first
        a_leader_is_the_one_whose_row_agrees_with_the_open_term
        a_leader_that_is_not_live_is_not_read
        a_heartbeat_from_the_future_counts_as_new
    }
}
