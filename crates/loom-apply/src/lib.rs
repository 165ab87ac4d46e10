//! loom-apply: the only crate that touches the managed files.
//!
//! It understands paths, bytes, hashes and modes, and knows neither kinds nor stories. What it
//! guarantees, each with the test that holds it:
//!
//! - A plan is carried out whole: `a_plan_is_carried_out_whole`.
//! - Any error on the way puts everything back, content and mode, with the directories that were
//!   made: `every_fault_puts_everything_back`, at every change of every pair of actions, and
//!   `…_where_the_system_has_no_exchange`.
//! - A kill at any change, also during recovery, leaves the old or the new when the next run has the
//!   lock: `a_kill_at_every_change_leaves_the_old_or_the_new`, `a_kill_during_recovery_…`; what
//!   somebody wrote in between survives: `what_somebody_writes_after_a_kill_survives_recovery`.
//! - What was committed can be undone to the byte, and that too, as long as nothing has changed since:
//!   `an_undone_apply_leaves_the_old_tree_to_the_byte…`, `a_kill_during_an_undo_is_recovered`,
//!   `what_has_changed_since_is_named_and_nothing_is_undone`.
//! - If putting back fails too, nothing is removed and the commands that remain are said:
//!   `a_fault_that_stays_is_said_with_its_commands`.
//! - A stale plan fails before the first write, and says all that is stale:
//!   `all_stale_paths_are_said_together`.
//! - What somebody else writes meanwhile is never lost: `an_edit_between_stage_and_commit_stays_in_place`,
//!   `an_edit_through_an_old_descriptor_is_seen_before_the_end`,
//!   `an_edit_of_the_new_content_survives_the_way_back`.
//! - No symbolic link below the root is followed: `a_link_in_a_path_is_never_followed`,
//!   `what_is_no_file_is_said_by_its_name`; in files that somebody names on the command line neither:
//!   `a_link_of_the_repository_is_not_followed`.
//! - What Git keeps away from the disk is seen as its index has it, and never written:
//!   `what_git_keeps_away_is_seen_in_the_index_and_never_written`.
//! - One loom writes at a time, and no Git command meanwhile:
//!   `a_second_lock_is_refused_and_says_who_holds_the_first`,
//!   `gits_lock_keeps_loom_away_and_is_taken_meanwhile`.
//! - Nothing but the executable bits of a file's permissions changes, and its extended attributes
//!   stay: `permissions_and_attributes_of_a_file_are_kept`.
//!
//! Power loss, and kills of the whole program at every system call, are for `cargo xtask crash`.

#[cfg(not(unix))]
compile_error!(
    "loom runs on Linux and macOS: on Windows, use it in the Windows Subsystem for Linux"
);

pub mod attributes;
mod barrier;
mod care;
pub mod commit;
mod disk;
pub mod doctor;
pub mod git;
mod glob;
pub mod history;
mod journal;
pub mod lock;
pub mod machine;
pub mod named;
pub mod objects;
pub mod observe;
pub mod recover;
pub mod root;
pub mod stage;
pub mod stale;
#[cfg(test)]
mod tests;
mod transaction;
pub mod trouble;

pub use attributes::{Ignored, Rewritten, ignored, rewritten};
pub use barrier::make_durable;
pub use commit::{CommitError, Committed};
pub use doctor::{Finding, Standing, doctor};
pub use git::{Away, GitError, Lacking};
pub use history::{Did, Past, UndoError, changes, history, newest};
pub use journal::Counts;
pub use lock::{Lock, LockError};
pub use objects::Objects;
pub use observe::observe;
pub use recover::{Direction, Recovered, Unfinished, Unsettled, is_settled};
pub use root::{LedgerError, Root, RootError};
pub use stage::{
    Approved, Becomes, Cause, Change, Contents, Durability, Failed, Put, StageError, Staged, Stop,
};
pub use stale::Stale;
pub use transaction::{Kept, Rescued};
pub use trouble::Trouble;
