//! How a term ended, as a value of the column `end_reason`.

use protocol::EndReason;

/// The text for a reason.
pub(super) fn to_text(reason: EndReason) -> &'static str {
    match reason {
        EndReason::Resigned => "resigned",
        EndReason::Transferred => "transferred",
        EndReason::Preempted => "preempted",
        EndReason::Lapsed => "lapsed",
        EndReason::Expired => "expired",
        EndReason::Replaced => "replaced",
    }
}

/// The reason for a text. A reason that this version does not know, because a newer version wrote it, must not fail
/// the read: for the rules only the fact that the term has ended matters. It is read as `Expired`.
pub(super) fn from_text(text: &str) -> EndReason {
    match text {
        "resigned" => EndReason::Resigned,
        "transferred" => EndReason::Transferred,
        "preempted" => EndReason::Preempted,
        "lapsed" => EndReason::Lapsed,
        "replaced" => EndReason::Replaced,
        _ => EndReason::Expired,
    }
}

#[cfg(test)]
mod tests {
    use super::from_text;
    use super::to_text;
    use protocol::EndReason;

    #[test]
    fn a_reason_is_read_as_it_was_written_and_an_unknown_one_as_expired() {
        for reason in [
            EndReason::Resigned,
            EndReason::Transferred,
            EndReason::Preempted,
            EndReason::Lapsed,
            EndReason::Expired,
            EndReason::Replaced,
        ] {
            assert_eq!(from_text(to_text(reason)), reason);
        }
        for unknown in ["died", "ended_by_operator", "written_by_a_later_version", ""] {
            assert_eq!(from_text(unknown), EndReason::Expired);
        }
    }
}
